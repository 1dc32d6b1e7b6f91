"""What is kept of a platform's data and how it is seen, as its line says it: ``DIR,fraction=.2,users=0-80``.

What all platforms share has the same words in a settings file, a node config and every command.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from client.data.protocol import ProtocolOptions
from shared.errors import ConfigError
from shared.system.device import ComputeDevice
from shared.system.options import Checked, Seeded, entries, option

FEATURE_SPACES = "hashing[:DIM], precomputed[:LABEL] or sentence-transformers:MODEL"
"""The feature spaces, as they are written."""


@dataclass(frozen=True, kw_only=True)
class EventMinima(Checked):
    """Applied to the whole folder, before any part of it is taken."""

    min_user_events: int = option(3, least=1, help="Users with fewer events are left out.")
    min_item_events: int = option(1, least=1, help="Items with fewer events are left out.")


@dataclass(frozen=True, kw_only=True)
class SharedPreparation(EventMinima, ProtocolOptions):
    """What all platforms of a run share of how they are prepared."""

    @classmethod
    def of(cls, settings: "SharedPreparation") -> "SharedPreparation":
        """That part of larger settings alone."""
        return cls(**{entry.path[0]: entry.of(settings) for entry in entries(SharedPreparation)})


Range = tuple[float, float]
"""From A to B percent of an order, 0 <= A < B <= 100."""
Repeats = Literal["first", "keep"]
Said = Literal["order", "seconds", "day"]
"""What the operator says of timestamps."""
FEWEST_TRAINING_USERS = 10
"""That can be asked for by number; fewer cannot be split into folds that say anything."""

_RANGE = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)")


def _reading(read: Callable[[str], Any], expected: str) -> Callable[[str, object], Any]:
    def reading(key: str, text: object) -> Any:
        try:
            return read(str(text))
        except ValueError:
            raise ConfigError(f"{key} must be {expected}; got {text!r}") from None

    return reading


def _range(text: str) -> Range:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return float(match[1]), float(match[2])


def _word(word: str, meaning: Any) -> Callable[[str, object], Any]:
    def only(text: str) -> Any:
        if text != word:
            raise ValueError(text)
        return meaning

    return _reading(only, repr(word))


def _said(text: str) -> Said:
    if text not in get_args(Said):
        raise ValueError(text)
    return cast(Said, text)


def _number_text(value: float) -> str:
    import numpy as np  # a command's help does without

    return np.format_float_positional(value, trim="-")


def _range_text(part: Range) -> str:
    return f"{_number_text(part[0])}-{_number_text(part[1])}"


def _check_range(key: str, part: Range | None) -> None:
    if part is not None and not 0 <= part[0] < part[1] <= 100:
        raise ConfigError(f"{key} must be A-B in percent with 0 <= A < B <= 100; got {part[0]:g}-{part[1]:g}")


_WHOLE = _reading(int, "a whole number")
_PART: dict[str, Any] = {
    "check": _check_range,
    "read": _reading(_range, "A-B in percent, for example 0-80"),
    "write": _range_text,
    "metavar": "A-B",
}


@dataclass(frozen=True, kw_only=True)
class TimesOption(Checked):
    """What the operator says of timestamps that could mean several things."""

    times: Said | None = option(
        None,
        choices=get_args(Said),
        read=_reading(_said, "order, seconds or day"),
        write=str,
        metavar="UNIT",
        help="What timestamps mean: order: they only sort; seconds: numbers that are neither since 1990 nor each "
        "user's positions 0, 1, 2, ... are seconds since 1970; day: of a time its day is known alone. Without it: what "
        "they look like.",
    )


@dataclass(frozen=True, kw_only=True)
class FolderOptions(TimesOption):
    """The options of a platform's line; raises ConfigError where a value makes no sense."""

    fraction: float = option(
        1.0,
        above=0,
        most=1,
        read=_reading(float, "a number above 0 and at most 1"),
        write=_number_text,
        metavar="F",
        help="The part of the users whose events may be trained on; the test users stay the same.",
    )
    train_users: int | None = option(
        None,
        least=FEWEST_TRAINING_USERS,
        read=_WHOLE,
        write=str,
        metavar="N",
        help="Instead of a fraction, so many users whose events may be trained on; all where there are fewer.",
    )
    max_users: int | None = option(None, least=1, read=_WHOLE, write=str, metavar="N", help="At most so many users.")
    users: Range | None = option(
        None, **_PART, help="The part of the users that is taken, in percent of a seeded order."
    )
    items: Range | None = option(
        None, **_PART, help="The part of the catalogue that is taken, in percent of a seeded order."
    )
    time: Range | None = option(
        None,
        **_PART,
        help="The part of the events that is taken, in percent in time order, of users who have none before it.",
    )
    min_rating: float | None = option(
        None,
        read=_reading(float, "a number"),
        write=_number_text,
        metavar="R",
        help="Events rated lower are dropped; without it, those rated 0 or less: 0 keeps what is rated 0.",
    )
    repeats: Repeats = option(
        "first",
        choices=get_args(Repeats),
        read=_word("keep", "keep"),
        write=str,
        metavar="keep",
        help="keep: a user's later events on the same item are not dropped.",
    )
    basket: float = option(
        0.0,
        least=0,
        read=_reading(float, "a number of minutes"),
        write=_number_text,
        metavar="MINUTES",
        help="A user's events so few minutes after the one before belong to its basket; 0: events of one time do.",
    )
    ordered: bool = option(
        True,
        key="order",
        read=_word("none", False),
        write=lambda ordered: "" if ordered else "none",
        metavar="none",
        help="none: the events have no meaningful order in time.",
    )

    @property
    def said_of_times(self) -> Said | None:
        """What timestamps mean that are numbers; without a meaningful order nobody asks."""
        return self.times if self.ordered else "order"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.train_users is not None and self.fraction != 1:
            raise ConfigError("train-users and fraction both say who is trained on; only one of them can be given")
        if self.time is not None and not self.ordered:
            raise ConfigError("time takes a part of events in time order; it cannot stand beside order=none")


@dataclass(frozen=True, kw_only=True)
class Preparation(FolderOptions, SharedPreparation):
    """What is kept of a platform folder: the options of its line, and what all platforms share."""


FORMS = tuple(f"{entry.key}={entry.option.metavar}" for entry in entries(FolderOptions))
"""Every option as a line writes it, with letters for values."""


@dataclass(frozen=True, kw_only=True)
class DataSettings(SharedPreparation, Seeded, ComputeDevice):
    """What all who compute on a platform's data must agree on, and where they compute."""

    features: str = option("hashing", help=f"Feature space: {FEATURE_SPACES}.")
