"""What is predicted of a platform's users, and where time is cut: options that all platforms of a run share."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

from shared.errors import ConfigError
from shared.system.options import Checked, option

Protocol = Literal["basket", "position"]
LAST = "last"
_TIME = "time:"
_SHARES = re.compile(r"time:(\d+(?:\.\d+)?),(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)")
_DATES = re.compile(r"time:([0-9T:+Z-]+),([0-9T:+Z-]+)")
_FORMS = "last, time:A,B,C in percent that sum to 100 (time:80,10,10), or two dates (time:2024-05-01,2024-06-01)"
_WHOLE = 100.0


@dataclass(frozen=True, kw_only=True)
class TimeCuts:
    """Where time is cut: what comes before the first cut trains, then what validates, then what is for the test."""

    first: float
    second: float
    shares: bool
    """whether both are percent of the events in time order, not seconds since 1970"""


def _require_split(key: str, text: str) -> None:
    if text != LAST and _cuts(text) is None:
        raise ConfigError(f"{key} must be {_FORMS}; got {text!r}")


def _cuts(text: str) -> TimeCuts | None:
    return _by_share(text) or _by_date(text)


def _by_share(text: str) -> TimeCuts | None:
    match = _SHARES.fullmatch(text)
    if match is None:
        return None
    training, validation, test = map(float, match.groups())
    if min(training, validation, test) <= 0 or abs(training + validation + test - _WHOLE) > 1e-6:
        return None
    return TimeCuts(first=training, second=training + validation, shares=True)


def _by_date(text: str) -> TimeCuts | None:
    match = _DATES.fullmatch(text)
    try:
        dates = [datetime.fromisoformat(written) for written in match.groups()] if match else []
    except ValueError:
        return None
    seconds = [(moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() for moment in dates]
    if len(seconds) < 2 or seconds[0] >= seconds[1]:
        return None
    return TimeCuts(first=seconds[0], second=seconds[1], shares=False)


@dataclass(frozen=True, kw_only=True)
class ProtocolOptions(Checked):
    """How recommenders are judged."""

    protocol: Protocol = option(
        "basket",
        choices=get_args(Protocol),
        help="What is predicted where events have times: basket, all that a user has at one time, from what came "
        "before it; position, one event, from those before it.",
    )
    split: str = option(
        LAST,
        check=_require_split,
        metavar="SPLIT",
        help="What is held out: last, each user's last events; time:80,10,10 or time:DATE,DATE, whatever comes after "
        "a time, for everybody.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cuts is not None and self.protocol != "basket":
            raise ConfigError("split=time predicts baskets: it cannot stand beside protocol=position")

    @property
    def cuts(self) -> TimeCuts | None:
        """Where time is cut; None where each user's last events are held out."""
        return _cuts(self.split)
