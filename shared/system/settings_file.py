"""A settings file: one flat TOML table, read into a frozen dataclass whose fields have defaults of their kind."""

import tomllib
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

import tomli_w

from shared.errors import ConfigError

Settings = TypeVar("Settings")


def read_settings(cls: type[Settings], path: Path) -> Settings:
    """Raises ConfigError for a file that cannot be read, an unknown name, another kind, or what ``cls`` refuses."""
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as TOML: {error}") from error
    try:
        return cls(**_typed(cls, given))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def to_toml(settings: Any) -> bytes:
    """The inverse of ``read_settings``."""
    values = {_kebab(name): value for name, value in asdict(settings).items()}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    return tomli_w.dumps(plain).encode("utf-8")


def require(field: str, holds: bool, expected: str, found: object) -> None:
    """Raises ConfigError with a sentence about a setting unless ``holds``."""
    if not holds:
        raise ConfigError(f"{_kebab(field)} must be {expected}; got {found!r}")


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def _typed(cls: type[Any], given: dict[str, Any]) -> dict[str, Any]:
    kinds = {_kebab(item.name): type(item.default) for item in fields(cls)}
    if unknown := sorted(set(given) - set(kinds)):
        raise ConfigError(f"unknown settings {', '.join(unknown)}; there are {', '.join(sorted(kinds))}")
    return {name.replace("-", "_"): _value(name, kinds[name], value) for name, value in given.items()}


def _value(name: str, kind: type[Any], value: Any) -> Any:
    if kind is tuple:
        require(name, type(value) is list and all(type(one) is str for one in value), "a list of texts", value)
        return tuple(value)
    exact = float(value) if kind is float and type(value) is int else value
    require(name, type(exact) is kind, f"a {kind.__name__}", value)
    return exact
