"""The option that has ``fit`` refresh what is served, by what has come since a moment, in the place of a new fit."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.errors import ConfigError
from shared.system.options import Checked, option

LAST = "last"
"""The last moment that the served recommender knows."""
Since = float | str
"""Seconds since 1970, or ``LAST``."""


def _read(key: str, given: object) -> Since:
    if given == LAST:
        return LAST
    seconds = given.astimezone(UTC).timestamp() if isinstance(given, datetime) else _seconds(str(given))
    if seconds is None:
        expected = f"{LAST}, a date or time (2026-05-01T06:00), or seconds since 1970"
        raise ConfigError(f"{key} must be {expected}; got {given!r}")
    return seconds


def _seconds(text: str) -> float | None:
    """A number that events could have as seconds, or a time in ISO 8601, of UTC where it has no zone; None else."""
    from client.data.times import EARLIEST, LATEST  # with polars, for which no command's help shall wait

    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if EARLIEST <= number <= LATEST:
        return number
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


@dataclass(frozen=True, kw_only=True)
class Refreshing(Checked):
    """Whether what is served is refreshed; raises ConfigError where a value makes no sense."""

    since: Since | None = option(
        None,
        read=_read,
        write=str,
        metavar="MOMENT",
        help="Refresh what is served by the events from MOMENT on (a date, a time, seconds since 1970, or last: the "
        "last moment that it knows): counts follow, weights may move, nothing is trained. Without it, all is fitted "
        "anew.",
    )
