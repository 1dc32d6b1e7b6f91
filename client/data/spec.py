"""The platform specification: one line of text that names a platform, its folder and how it is prepared.

``NAME=DIR[,fraction=F | ,train-users=N][,max-users=N][,users=A-B][,items=A-B][,time=A-B][,min-rating=R][,repeats=keep]
[,order=none][,times=UNIT][,basket=MINUTES]``
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.data.folder_options import FolderOptions, Preparation, SharedPreparation
from shared.errors import ConfigError
from shared.system.options import Entry, entries, to_flat

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True, kw_only=True)
class PlatformSpec(FolderOptions):
    """A named platform folder with its preparation; raises ConfigError where a value makes no sense."""

    name: str
    """Letters, digits, '_', '-' and '.', as it stands in reports and folder names."""
    path: Path
    """The platform folder."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigError(
                "a platform's name must be letters, digits, '_', '-' or '.', beginning with a letter or a "
                f"digit; got {self.name!r}"
            )
        if "," in str(self.path):
            raise ConfigError(f"a folder's path cannot hold a comma; got {self.path}")
        super().__post_init__()

    def preparation(self, shared: SharedPreparation) -> Preparation:
        """The preparation that this line asks for, with what the whole run shares.

        Args:
            shared: options that count for all platforms of a run.

        Returns:
            which events, users and items are kept.
        """
        options = {entry.path[0]: entry.of(self) for entry in entries(FolderOptions)}
        common = {entry.path[0]: entry.of(shared) for entry in entries(SharedPreparation)}
        return Preparation(**options, **common)

    def __str__(self) -> str:
        """The line that ``parse_platform_spec`` reads back as this specification."""
        usual = {entry.key: entry.usual for entry in entries(FolderOptions)}
        parts = [f"{key}={value}" for key, value in to_flat(self).items() if value != usual[key]]
        return ",".join([f"{self.name}={self.path}", *parts])


def parse_platform_spec(text: str) -> PlatformSpec:
    """Read one platform specification.

    Args:
        text: NAME=DIR[,option=value...].

    Returns:
        name, path and options.

    Raises:
        ConfigError: if '=' is missing, an option is unknown or repeated, or a value is of the wrong form or out of
            range.
    """
    first, *options = text.split(",")
    name, equals, path = (part.strip() for part in first.partition("="))
    if equals and name and not path:
        raise ConfigError(f"platform {name!r}: expected a folder, DIR[,option=value...]; got none")
    if not equals or not path:
        raise ConfigError(f"a platform must be NAME=DIR[,option=value...]; got {text!r}")
    return _spec(f"platform {name!r}", name, path, options)


def parse_folder(line: str) -> PlatformSpec:
    """The specification of ``DIR[,option=value...]``, for a command that knows one platform; raises ConfigError."""
    folder, *options = line.split(",")
    if not folder.strip():
        raise ConfigError(f"a platform must be DIR[,option=value...]; got {line!r}")
    return _spec(folder.strip(), "platform", folder.strip(), options)


def _spec(subject: str, name: str, path: str, options: list[str]) -> PlatformSpec:
    """With ``subject`` before each complaint."""
    fields: dict[str, Any] = {}
    try:
        for text in options:
            option, value = _read_option(text)
            if option.path[0] in fields:
                raise ConfigError(f"option {option.key} is given twice")
            fields[option.path[0]] = value
        return PlatformSpec(name=name, path=Path(path), **fields)
    except ConfigError as error:
        raise ConfigError(f"{subject}: {error}") from None


def _read_option(text: str) -> tuple[Entry, Any]:
    """One ``key=value`` as the option and its value."""
    key, equals, value = (part.strip() for part in text.partition("="))
    if not equals:
        raise ConfigError(f"expected option=value after a comma, found {text!r} (a folder's path cannot hold a comma)")
    known = {entry.key: entry for entry in entries(FolderOptions)}
    if key not in known:
        raise ConfigError(f"unknown option {key!r}; options are {', '.join(known)}")
    return known[key], known[key].taken(value)
