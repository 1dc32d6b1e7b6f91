"""A moment as people write it: seconds since 1970, or a date and time of ISO 8601."""

from datetime import UTC, datetime

from shared.errors import ConfigError

EARLIEST, LATEST = 631_152_000.0, 4_102_444_800.0
"""1990 and 2100: what lies outside is no moment of an event"""


def seconds_of(text: str) -> float:
    """Seconds since 1970; a time without a zone is of UTC. Raises ConfigError for anything else, or far away."""
    seconds = float("nan")
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
            seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except ValueError:
            pass
    if not EARLIEST <= seconds <= LATEST:
        expected = "seconds since 1970, or a date and time as 2026-05-31T12:00, from 1990 to 2100"
        raise ConfigError(f"at must be {expected}; got {text[:40]!r}")
    return seconds
