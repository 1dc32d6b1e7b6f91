"""From what a caller says of a moment to seconds since 1970."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from client.fitting.refresh_option import Refreshing
from shared.errors import ConfigError
from shared.system.options import from_flat

MAY = 1_777_593_600
"""The first second of May 2026."""


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("2026-05-01", MAY),
        ("20260501", MAY),
        ("2026-05-01T06:00", MAY + 6 * 3_600),
        ("2026-05-01T06:00+02:00", MAY + 4 * 3_600),
        ("1777593600.5", MAY + 0.5),
        (MAY, MAY),
        (datetime(2026, 5, 1, tzinfo=UTC), MAY),
        (datetime(2026, 5, 1, 2, tzinfo=timezone(timedelta(hours=2))), MAY),
        ("last", "last"),
    ],
)
def test_a_moment_is_read(given: object, seconds: float | str) -> None:
    assert from_flat(Refreshing, {"since": given}).since == seconds


@pytest.mark.parametrize("given", ["", "yesterday", "2026", "nan", "inf", "-5", "1777593600000", "01.05.2026"])
def test_what_is_no_moment_is_refused(given: str) -> None:
    with pytest.raises(ConfigError, match="since must be last, a date or time"):
        from_flat(Refreshing, {"since": given})


def test_without_it_nothing_is_refreshed() -> None:
    assert from_flat(Refreshing, {}).since is None
