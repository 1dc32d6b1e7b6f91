"""What a folder's timestamps mean: seconds in whatever unit, an order, or a question."""

import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest

from client.data.check import check_folder
from client.data.folder_options import FolderOptions, Preparation, Said
from client.data.impressions import read_impressions
from client.data.preparation import prepare
from client.data.source import read_folder, read_platform_data
from client.data.spec import parse_folder
from client.data.times import meaning
from shared.errors import ConfigError, DataError
from tests.unit.client.data.clicks import click_folder
from tests.unit.client.data.folders import BEGIN, IMPRESSIONS, write_folder

ITEMS = pl.DataFrame({"item_id": [0, 1, 2, 3], "text": ["a", "b", "c", "d"]})
USERS = [1, 1, 1, 2]
MILLISECONDS = [BEGIN * 1000 + each for each in (100, 200, 1300, 0)]
SECONDS = [BEGIN + 0.1, BEGIN + 0.2, BEGIN + 1.3, float(BEGIN)]
AT = datetime(2021, 3, 4, 5, 6, 7, 100_000)  # noqa: DTZ001
MOMENTS = [AT, AT + timedelta(milliseconds=100), AT + timedelta(milliseconds=900), AT]


def folder(path: Path, times: pl.Series | list[object], *, users: list[int] = USERS) -> Path:
    column = times if isinstance(times, pl.Series) else pl.Series(times)
    events = pl.DataFrame({"user_id": users, "item_id": list(range(len(users))), "timestamp": column})
    return write_folder(path, items=ITEMS, events=events)


def read(path: Path, said: Said | None = None) -> list[object]:
    return read_folder(path, said).events["timestamp"].to_list()


def refusal(path: Path, said: Said | None = None) -> str:
    with pytest.raises(DataError) as caught:
        read_folder(path, said)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("parts", [1, 10**3, 10**6])
@pytest.mark.parametrize("kind", [pl.Int64, pl.Float64])
def test_times_beyond_2100_as_seconds_are_in_a_smaller_unit(tmp_path: Path, parts: int, kind: pl.DataType) -> None:
    times = pl.Series([one * parts // 1000 for one in MILLISECONDS]).cast(kind)
    expected = SECONDS if parts > 1 else [float(BEGIN), float(BEGIN), float(BEGIN + 1), float(BEGIN)]
    assert read(folder(tmp_path, times)) == expected


def test_whole_seconds_in_another_unit_stay_whole(tmp_path: Path) -> None:
    folder_in_nanoseconds = folder(tmp_path, [(BEGIN + each) * 10**9 for each in range(4)])
    events = read_folder(folder_in_nanoseconds).events
    assert events["timestamp"].dtype == pl.Int64
    assert events["timestamp"].to_list() == [BEGIN + each for each in range(4)]


def test_microseconds_of_our_days_stay_apart(tmp_path: Path) -> None:
    found = read(folder(tmp_path, [1_900_000_000 * 10**6 + each for each in range(4)]))
    assert len(set(found)) == 4


def test_a_conversion_is_noted_by_check_and_by_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = folder(tmp_path, MILLISECONDS)
    report = check_folder(path)
    assert report.sound
    assert report.as_json()["times"] == "milliseconds"
    assert "timestamps are milliseconds: read as seconds" in report.lines()[1]
    read_platform_data(path)
    assert "timestamps are milliseconds" in caplog.text


@pytest.mark.parametrize(
    ("times", "found"),
    [
        ([*MILLISECONDS[:3], BEGIN], "row 3: expected milliseconds as in other rows, found seconds"),
        ([BEGIN, BEGIN + 1, BEGIN * 10**6, BEGIN], "row 2: expected seconds as in other rows, found microseconds"),
        ([BEGIN, 7, BEGIN, BEGIN], "row 1: expected seconds as in other rows, found a number that is none"),
    ],
)
def test_refuses_a_column_of_several_units(tmp_path: Path, times: list[object], found: str) -> None:
    assert found in refusal(folder(tmp_path, times))


@pytest.mark.parametrize(
    "times",
    [
        [18_000, 18_001, 18_002, 18_000],  # days since 1970
        [20210304, 20210305, 20210306, 20210304],
        [20210304101112, 20210304101113, 20210305101112, 20210304101112],
        [2019, 2020, 2021, 2019],
        [1, 2, 3, 1],  # positions from 1
        [0, 1, 2, 3],  # row numbers of the table
        [0, 2, 3, 0],  # positions of which one is missing
        [0, 0, 1, 0],
        [0, 0, 0, 0],
        [44_000.5, 44_001.5, 44_002.5, 44_000.5],  # days of a spreadsheet
        [2021030400, 2021030409, 2021030411, 2021030400],  # hours, as seconds of 2034
        [2103041000.0, 2103041059.0, 2112312359.0, 2103041000.0],  # minutes, as seconds of 2036
        [0, 2103041000, 2103041002, 2103041001],
        [5 * 10**9, 5 * 10**9, 5 * 10**9, 5 * 10**9],
    ],
)
def test_numbers_that_are_neither_times_nor_positions_are_asked_about(tmp_path: Path, times: list[object]) -> None:
    said = refusal(folder(tmp_path, times))
    assert "each user's positions 0, 1, 2, ...; found numbers that are neither" in said
    assert "times=order" in said
    assert not check_folder(tmp_path).sound
    assert check_folder(tmp_path, "order").sound


@pytest.mark.parametrize("step", [1, 7, 60, 100, 3_600, 86_400, 10_000])
def test_seconds_are_no_dates_though_some_of_them_read_as_such(tmp_path: Path, step: int) -> None:
    begin = 1_703_041_000  # 2023-12-20, and 2017-03-04 10:00 as YYMMDDHHMM
    for count in (1, 2, 4, 300):
        times = [begin + step * each for each in range(count)]
        assert meaning(pl.Series(times), None) == "seconds"
    assert meaning(pl.Series([1_600_000_101_000, 1_600_000_102_000, 1_601_010_101_000]), None) == "milliseconds"
    few_of_2037 = pl.Series([2_114_380_800, 2_114_380_801])
    assert meaning(few_of_2037, None) == "seconds"


def test_dates_of_minutes_may_lie_among_the_seconds_of_our_days() -> None:
    minutes = [1703010000 + 10_000 * day + 15 for day in range(12)]  # as seconds of December 2023
    assert meaning(pl.Series(minutes), None) is None
    assert meaning(pl.Series([*minutes, 1703010060]), None) == "seconds"


def test_notes_times_that_lie_after_today(tmp_path: Path) -> None:
    now, far = int(time.time()), 4_000_000_000
    path = folder(tmp_path, [now + 3600, now, far, far])
    found = [note for note in check_folder(path).notes if "after today" in note]
    assert found == [f"{path / 'events.parquet'}: 2 timestamps lie after today: feedback comes before them"]
    assert "after today" not in str(check_folder(folder(tmp_path, [now + 3600, now, now, now])).notes)


@pytest.mark.parametrize("part", [1, 499, 500, 999])
def test_integer_nanoseconds_meet_times_in_nanoseconds(tmp_path: Path, part: int) -> None:
    numbers = pl.Series([(BEGIN + each) * 10**9 + 123_456_000 + part for each in range(4)])
    assert read(folder(tmp_path / "n", numbers)) == read(folder(tmp_path / "t", numbers.cast(pl.Datetime("ns"))))
    assert read(folder(tmp_path / "f", numbers.cast(pl.Float64))) == pytest.approx(
        read(folder(tmp_path / "n", numbers))
    )


def test_times_of_the_first_hour_are_taken_where_they_are_said_to_be_seconds(tmp_path: Path) -> None:
    small = folder(tmp_path, pl.from_epoch(pl.Series([5, 42, 79, 6])))
    assert read(small, "seconds") == [5, 42, 79, 6]
    assert check_folder(small, "seconds").sound
    assert "times=seconds if they are seconds since 1970" in refusal(small)


def test_positions_within_a_user_are_an_order(tmp_path: Path) -> None:
    path = folder(tmp_path, [0, 1, 2, 0])
    assert read(path) == [0, 1, 2, 0]
    report = check_folder(path)
    assert report.lines()[1] == "timestamps tell an order, no times"
    assert report.lines()[-1] == "no violation"
    assert report.as_json()["times"] == "order"


def test_numbers_that_only_sort_stay_before_any_feedback(tmp_path: Path) -> None:
    path = folder(tmp_path, [20210304101112, 20210305101112, 20210306101112, 20210304101112])
    assert read(path, "order") == [0, 1, 2, 0]
    assert read(folder(tmp_path, [1, 2, 3, 1]), "order") == [1, 2, 3, 1]


def test_small_numbers_may_be_said_to_be_seconds(tmp_path: Path) -> None:
    assert read(folder(tmp_path, [86_400, 172_800, BEGIN, 0]), "seconds") == [86_400, 172_800, BEGIN, 0]
    assert "row 0: expected seconds since 1970, found a number beyond the year 2100" in refusal(
        folder(tmp_path, MILLISECONDS), "seconds"
    )


def test_zeros_among_times_are_counted(tmp_path: Path) -> None:
    report = check_folder(folder(tmp_path, [0, BEGIN, BEGIN + 1, BEGIN]))
    assert report.sound
    assert "1 timestamps are 0: they come before all others" in report.lines()[1]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Shanghai"])
def test_times_of_a_parquet_file_keep_their_fraction(tmp_path: Path, unit: str, zone: str | None) -> None:
    times = pl.Series(MOMENTS).cast(pl.Datetime(unit)).dt.replace_time_zone(zone)  # type: ignore[arg-type]
    moment = AT.replace(tzinfo=timezone(timedelta(hours=8)) if zone == "Asia/Shanghai" else UTC).timestamp()
    assert read(folder(tmp_path, times)) == pytest.approx([moment, moment + 0.1, moment + 0.9, moment], abs=1e-6)


def test_dates_before_1990_are_times_where_they_are_written_as_such(tmp_path: Path) -> None:
    times = pl.Series([datetime(1985, 1, 1), datetime(1986, 1, 1), datetime(1987, 1, 1), datetime(1985, 1, 1)])  # noqa: DTZ001
    assert read(folder(tmp_path, times))[0] == 15 * 365 * 86_400 + 4 * 86_400  # four leap days since 1970


@pytest.mark.parametrize(
    ("times", "found"),
    [
        (pl.Series([datetime(9999, 12, 31)] * 4), "row 0: expected a time before the year 2100"),  # noqa: DTZ001
        (pl.Series([BEGIN + each for each in range(4)]).cast(pl.Datetime("ns")), "row 0: all times lie in the first"),
    ],
)
def test_refuses_times_that_no_event_has(tmp_path: Path, times: pl.Series, found: str) -> None:
    assert found in refusal(folder(tmp_path, times))
    assert not check_folder(tmp_path).sound


def test_without_an_order_nobody_asks_what_times_mean(tmp_path: Path) -> None:
    assert parse_folder("shop,order=none").said_of_times == "order"
    assert FolderOptions().said_of_times is None
    assert parse_folder("shop,times=seconds").said_of_times == "seconds"
    with pytest.raises(ConfigError, match="times must be order, seconds or day; got 'days'"):
        parse_folder("shop,times=days")


def test_check_counts_tied_events(tmp_path: Path) -> None:
    report = check_folder(folder(tmp_path, [BEGIN, BEGIN, BEGIN + 1, BEGIN]))
    assert report.as_json()["tied_events"] == 2
    assert report.lines()[1] == (
        "2 events share their user and their time with another one: they keep the order of their rows"
    )


def test_impressions_and_clicks_meet_in_whatever_unit_they_come(tmp_path: Path) -> None:
    plain, converted = click_folder(tmp_path / "plain"), click_folder(tmp_path / "converted")
    events = pl.read_parquet(converted / "events.parquet")
    events.with_columns(timestamp=pl.col("timestamp") * 1000).write_parquet(converted / "events.parquet")
    shown = pl.read_parquet(converted / "impressions.parquet")
    shown = shown.with_columns(timestamp=pl.from_epoch("timestamp").cast(pl.Datetime("ns")))
    shown.write_parquet(converted / "impressions.parquet")
    found = []
    for path in (plain, converted):
        whole = read_folder(path)
        impressions = read_impressions(whole, Preparation(), prepare(whole, Preparation(), name="a", seed=0), seed=0)
        assert impressions is not None
        found.append((impressions.stages.tolist(), impressions.histories.items.tolist()))
    assert found[0] == found[1]


def test_impressions_beside_positions_must_be_positions(tmp_path: Path) -> None:
    events = pl.DataFrame({"user_id": [1, 1, 2], "item_id": [10, 20, 30], "timestamp": [0, 1, 0]})
    path = write_folder(tmp_path, events=events, impressions=IMPRESSIONS)
    assert "impressions.parquet: column timestamp, row 0: expected positions" in refusal(path)
    write_folder(tmp_path, events=events, impressions=IMPRESSIONS.with_columns(timestamp=pl.lit(1)))
    assert read(path) == [0, 1, 0]


def test_fractions_in_one_table_alone_still_join(tmp_path: Path) -> None:
    path = click_folder(tmp_path)
    events = pl.read_parquet(path / "events.parquet").with_columns(pl.col("timestamp").cast(pl.Float64))
    pl.concat([events, events.head(1).with_columns(pl.col("timestamp") + 0.5)]).write_parquet(path / "events.parquet")
    whole = read_folder(path)
    assert whole.impressions is not None
    assert whole.impressions["timestamp"].dtype == whole.events["timestamp"].dtype == pl.Float64
    assert prepare(whole, Preparation(), name="clicks", seed=0).n_users > 0
