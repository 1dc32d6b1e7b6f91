"""Options as a Python caller writes them: keyword arguments named as in docs/settings.md, with underscores."""

from collections.abc import Mapping
from typing import Any, TypeVar

from shared.errors import ConfigError
from shared.system.options import entries, from_flat

Settings = TypeVar("Settings")


def flat_options(options: Mapping[str, Any], *kinds: type[Any]) -> dict[str, Any]:
    """Key to value, as a settings file has them.

    Args:
        options: keyword arguments; a list of names stands for a text with commas.
        kinds: the dataclasses whose options a caller may give.

    Returns:
        The same under the keys of ``kinds``.

    Raises:
        ConfigError: if a name is no option of ``kinds``.
    """
    known = [entry.key for kind in kinds for entry in entries(kind)]
    flat = {name.replace("_", "-"): _written(value) for name, value in options.items()}
    for key in flat:
        if key not in known:
            names = ", ".join(name.replace("-", "_") for name in known)
            raise ConfigError(f"unknown option {key.replace('-', '_')!r}; options are {names}")
    return flat


def settings_of(kind: type[Settings], flat: Mapping[str, Any]) -> Settings:
    """The dataclass with those options that are its own.

    Args:
        kind: the dataclass of options.
        flat: key to value; keys of other dataclasses are passed over.

    Returns:
        An instance; what ``flat`` does not say has its default.

    Raises:
        ConfigError: if an option cannot have its value.
    """
    keys = {entry.key for entry in entries(kind)}
    return from_flat(kind, {key: value for key, value in flat.items() if key in keys})


def _written(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else value
