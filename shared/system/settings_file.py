"""A settings file: one flat TOML table, read into a frozen dataclass of options."""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

import tomli_w

from shared.errors import ConfigError
from shared.system.options import from_flat, renamed, to_flat

Settings = TypeVar("Settings")


def read_settings(cls: type[Settings], path: Path) -> Settings:
    """Read a settings file.

    Args:
        cls: dataclass of options that the file is of.
        path: the file; former keys are taken too.

    Returns:
        The settings; what the file leaves out has its default.

    Raises:
        ConfigError: if the file cannot be read, or has an unknown name, another kind of value, or what ``cls`` refuses.
    """
    settings = read_toml(path)
    try:
        return from_flat(cls, renamed(cls, settings))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Args:
        path: the file.

    Returns:
        Value by key of its table.

    Raises:
        ConfigError: if the file cannot be read.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # ValueError: a number of more than 4300 digits, too
        raise ConfigError(f"{path}: is not TOML that can be read: {error}") from error


def to_toml(settings: Any) -> bytes:
    """The inverse of ``read_settings``."""
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in to_flat(settings).items()}
    return tomli_w.dumps(plain).encode("utf-8")


def require(field: str, holds: bool, expected: str, value: object) -> None:
    """Check a setting.

    Args:
        field: name of the setting, with underscores.
        holds: whether the value may stand.
        expected: what is expected, in words, as it follows "must be".
        value: what was given, for the error.

    Raises:
        ConfigError: if ``holds`` is false, with a sentence about the setting.
    """
    if not holds:
        raise ConfigError(f"{field.replace('_', '-')} must be {expected}; got {value!r}")
