"""Times in ISO 8601."""

from datetime import datetime

import polars as pl
import pytest

from client.data.written_times import from_iso, has_two_readings

FIVE = datetime(2021, 3, 4, 5, 6, 7)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2021-03-04", FIVE.replace(hour=0, minute=0, second=0)),
        ("2021-03-04 05:06", FIVE.replace(second=0)),
        ("2021-03-04T05:06:07Z", FIVE),
        ("2021-03-04 05:06:07 UTC", FIVE),
        ("2021-03-04T05:06:07.25", FIVE.replace(microsecond=250_000)),
        ("2021-03-04T05:06:07,123456789Z", FIVE.replace(microsecond=123_456)),
        ("2021-03-04T13:06:07+08:00", FIVE),
        ("2021-03-04 13:06:07+0800", FIVE),
        ("2021-03-04 01:36:07 -03:30", FIVE),
        ("20210304T050607Z", FIVE),
        ("2021-02-30", None),
        ("03/04/2021", None),
        ("03-04-21", None),
        ("0", None),
        ("", None),
        (None, None),
    ],
)
def test_reads_a_time_with_its_zone_and_fraction(text: str | None, moment: datetime | None) -> None:
    assert from_iso(pl.Series([text], dtype=pl.String)).to_list() == [moment]


@pytest.mark.parametrize("text", ["03/04/2021", "3/4/2021 10:00", "03-04-21", "03.04.2021 10:00:00"])
def test_knows_a_date_that_can_be_read_two_ways(text: str) -> None:
    assert has_two_readings(pl.Series([text])).to_list() == [True]
