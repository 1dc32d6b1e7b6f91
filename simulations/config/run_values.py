"""How options of a run that are more than one plain value are read; tables and plugins are imported when needed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.errors import ConfigError

if TYPE_CHECKING:
    from client.data.spec import PlatformSpec
    from simulations.plugins.plugin import PluginFile


def read_switch(name: str, value: object) -> bool:
    """``on`` or ``off``."""
    if value not in ("on", "off"):
        raise ConfigError(f"{name} must be on or off; got {value!r}")
    return value == "on"


def read_names(name: str, value: object) -> tuple[str, ...]:
    """A list of names, or one text with commas between them."""
    values = value.split(",") if isinstance(value, str) else value
    if not isinstance(values, list | tuple) or not all(isinstance(each, str) for each in values):
        raise ConfigError(f"{name} must be names with commas between them, or a list of names; got {value!r}")
    return tuple(each.strip() for each in values if each.strip())


def read_platforms(name: str, value: object) -> tuple["PlatformSpec", ...]:
    """Lines ``NAME=DIR[,option=value...]``."""
    from client.data.spec import parse_platform_spec

    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list | tuple):
        raise ConfigError(f"{name} must be a list of NAME=DIR[,option=value...]; got {value!r}")
    return tuple(parse_platform_spec(_text(name, each)) for each in values)


def read_methods(name: str, value: object) -> tuple[str, ...]:
    """Names in the order of reports; ``all`` means all."""
    from client.transfer.table import in_runs

    names, known = read_names(name, value), in_runs()
    if names in ((), ("all",)):
        return known
    return tuple(method for method in known if names.count(method) == 1) if set(names) <= set(known) else names


def read_report(name: str, value: object) -> tuple[str, ...]:
    """Names; ``all`` means all, as none does."""
    names = read_names(name, value)
    return () if names == ("all",) else names


def read_plugin(name: str, value: object) -> "PluginFile":
    """A file, or what a config that was written says of it."""
    from simulations.plugins.plugin import PluginFile

    given: Mapping[str, Any] = value if isinstance(value, Mapping) else {"file": value}
    plugin = PluginFile.read(_text(name, given.get("file")))
    if given.get("sha256", plugin.sha256) != plugin.sha256:
        raise ConfigError(f"plugin {plugin.file} is another file than the one that was named by its sha256")
    return plugin


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{name} must be text; got {value!r}")
    return value
