"""The platform specification: one line of text that names a platform, its folder and how it is prepared.

``NAME=DIR[,fraction=F | ,train-users=N][,max-users=N][,users=A-B][,items=A-B][,time=A-B][,min-rating=R][,repeats=keep]
[,order=none]``
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from client.data.preparation import Preparation, Range
from shared.errors import ConfigError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_RANGE = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)")


@dataclass(frozen=True, kw_only=True)
class PlatformSpec:
    """A named platform folder with its preparation; raises ConfigError where a value makes no sense."""

    name: str
    """Letters, digits, '_', '-' and '.', as it stands in reports and folder names."""
    path: Path
    """The platform folder."""
    fraction: float = 1.0
    train_users: int | None = None
    max_users: int | None = None
    users: Range | None = None
    items: Range | None = None
    time: Range | None = None
    min_rating: float | None = None
    repeats: Literal["first", "keep"] = "first"
    ordered: bool = True

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigError(
                "a platform's name must be letters, digits, '_', '-' or '.', beginning with a letter or a "
                f"digit; got {self.name!r}"
            )
        if "," in str(self.path):
            raise ConfigError(f"a folder's path cannot hold a comma; got {self.path}")
        self.preparation(min_user_events=1, min_item_events=1)

    def preparation(self, min_user_events: int, min_item_events: int) -> Preparation:
        """The preparation this line asks for, with the minimum of events that the whole run shares."""
        return Preparation(
            min_rating=self.min_rating,
            repeats=self.repeats,
            min_user_events=min_user_events,
            min_item_events=min_item_events,
            users=self.users,
            items=self.items,
            time=self.time,
            max_users=self.max_users,
            fraction=self.fraction,
            train_users=self.train_users,
            ordered=self.ordered,
        )

    def __str__(self) -> str:
        """The line that ``parse_platform_spec`` reads back as this specification."""
        options = {
            "fraction": None if self.fraction == 1 else _number_text(self.fraction),
            "train-users": None if self.train_users is None else str(self.train_users),
            "max-users": None if self.max_users is None else str(self.max_users),
            "users": _range_text(self.users),
            "items": _range_text(self.items),
            "time": _range_text(self.time),
            "min-rating": None if self.min_rating is None else _number_text(self.min_rating),
            "repeats": "keep" if self.repeats == "keep" else None,
            "order": None if self.ordered else "none",
        }
        parts = [f"{key}={value}" for key, value in options.items() if value is not None]
        return ",".join([f"{self.name}={self.path}", *parts])


def parse_platform_spec(text: str) -> PlatformSpec:
    """Read one platform specification.

    Raises ConfigError for a missing '=', an unknown or repeated option, a value of the wrong form or out of
    range.
    """
    first, *options = text.split(",")
    name, equals, path = (part.strip() for part in first.partition("="))
    if not equals or not path:
        raise ConfigError(f"a platform must be NAME=DIR[,option=value...]; got {text!r}")
    return _spec(f"platform {name!r}", name, path, options)


def parse_folder(line: str) -> PlatformSpec:
    """The specification of ``DIR[,option=value...]``, for a command that knows one platform; raises ConfigError."""
    folder, *options = line.split(",")
    if not folder.strip():
        raise ConfigError(f"a platform must be DIR[,option=value...]; got {line!r}")
    return _spec(folder.strip(), "platform", folder.strip(), options)


def _spec(said: str, name: str, path: str, options: list[str]) -> PlatformSpec:
    """With ``said`` before each complaint."""
    fields: dict[str, Any] = {}
    try:
        for option in options:
            key, field, value = _read_option(option)
            if field in fields:
                raise ConfigError(f"option {key} is given twice")
            fields[field] = value
        return PlatformSpec(name=name, path=Path(path), **fields)
    except ConfigError as error:
        raise ConfigError(f"{said}: {error}") from None


def _read_option(option: str) -> tuple[str, str, Any]:
    """One ``key=value`` as (key, field of PlatformSpec, value)."""
    key, equals, value = (part.strip() for part in option.partition("="))
    if not equals:
        raise ConfigError(
            f"expected option=value after a comma, found {option!r} (a folder's path cannot hold a comma)"
        )
    if key not in _OPTIONS:
        raise ConfigError(f"unknown option {key!r}; options are {', '.join(_OPTIONS)}")
    field, expected, read = _OPTIONS[key]
    try:
        return key, field, read(value)
    except ValueError:
        raise ConfigError(f"{key} must be {expected}; got {value!r}") from None


def _read_range(text: str) -> Range:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return float(match[1]), float(match[2])


def _read_word(word: str, meaning: object) -> Callable[[str], object]:
    def read(text: str) -> object:
        if text != word:
            raise ValueError(text)
        return meaning

    return read


_OPTIONS: dict[str, tuple[str, str, Callable[[str], object]]] = {
    "fraction": ("fraction", "a number above 0 and at most 1", float),
    "train-users": ("train_users", "a whole number", int),
    "max-users": ("max_users", "a whole number", int),
    "users": ("users", "A-B in percent, for example 0-80", _read_range),
    "items": ("items", "A-B in percent, for example 0-80", _read_range),
    "time": ("time", "A-B in percent, for example 0-50", _read_range),
    "min-rating": ("min_rating", "a number", float),
    "repeats": ("repeats", "'keep'", _read_word("keep", "keep")),
    "order": ("ordered", "'none'", _read_word("none", False)),
}
"""Option: (field of PlatformSpec, what its value must be, how it is read)."""


def _number_text(value: float) -> str:
    return np.format_float_positional(value, trim="-")


def _range_text(part: Range | None) -> str | None:
    return None if part is None else f"{_number_text(part[0])}-{_number_text(part[1])}"
