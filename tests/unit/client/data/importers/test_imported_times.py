"""Timestamps of sources as they are distributed: units, zones, orders, and what is asked about."""

from functools import partial
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from client.cli.main import app
from client.data.check import check_folder
from client.data.importers.csv_map import import_csv
from client.data.importers.csv_settings import CsvMap
from client.data.importers.imported import ImportedPlatform
from client.data.importers.table import IMPORTERS, import_platform
from client.data.source import read_folder
from shared.errors import DataError
from tests.unit.client.data.importers import raw

BEGIN = 1_600_000_000
HEADER = "user_id,item_id,timestamp,text"


def table(folder: Path, *times: object) -> Path:
    """A table of one user's events at these times, in this order."""
    lines = [f"u,item{place},{time},thing {place}" for place, time in enumerate(times)]
    (folder / "log.csv").write_text("\n".join([HEADER, *lines, ""]))
    return folder / "log.csv"


def imported(source: Path, said: str | None = None, **settings: object) -> ImportedPlatform:
    read = partial(import_csv, settings=CsvMap(**settings))  # type: ignore[arg-type]
    return import_platform(read, (source,), source.parent / "out", time_meaning=said, force=True)  # type: ignore[arg-type]


def order(source: Path) -> list[str]:
    """The items in the order of time, as the folder that was written tells it."""
    events = read_folder(source.parent / "out").events.sort("timestamp", maintain_order=True)
    return events["item_id"].to_list()


def test_milliseconds_become_seconds_with_a_note(tmp_path: Path) -> None:
    source = table(tmp_path, BEGIN * 1000 + 500, BEGIN * 1000)
    whole = imported(source)
    assert whole.events["timestamp"].to_list() == [BEGIN, BEGIN + 0.5]
    assert "timestamps are milliseconds: read as seconds, with their fraction" in whole.notes


@pytest.mark.parametrize(
    ("times", "found"),
    [
        (
            (BEGIN, BEGIN + 1, BEGIN * 1000),
            "log.csv, line 4: column timestamp: expected seconds as in other rows, found",
        ),
        ((20210304, 20210305), "log.csv, line 2: column timestamp: expected seconds since 1970 .*--time-format"),
        ((2021030400, 2021030410, 2021030423), "line 2: column timestamp: expected seconds since 1970 .*--time-format"),
        ((1, 2), "--times order if they only tell an order, --times seconds if"),
        (("2021-03-04", "04/03/2021"), "line 3: column timestamp: .* can be read two ways; say how with --time-format"),
        (("03-04-21", "04-04-21"), "line 2: column timestamp: .* can be read two ways; say how with --time-format"),
        (("2021-03-04", "yesterday"), "line 3: column timestamp: expected a time in ISO 8601 .*--time-format"),
        (("2021-03-04", "2999-01-01"), "line 3: column timestamp: expected a time before the year 2100"),
        (("1960-03-04", "2021-03-04"), "line 2: column timestamp: expected a time after 1969"),
    ],
)
def test_refuses_what_can_be_read_in_several_ways(tmp_path: Path, times: tuple[object, ...], found: str) -> None:
    with pytest.raises(DataError, match=found):
        imported(table(tmp_path, *times))
    assert not (tmp_path / "out").exists()


def test_iso_8601_keeps_zone_and_fraction(tmp_path: Path) -> None:
    source = table(tmp_path, "2020-09-13T12:26:40.3Z", "2020-09-13 20:26:40.2+08:00", "2020-09-13T20:26:40.1+0800")
    assert imported(source).events["timestamp"].to_list() == [BEGIN + 0.1, BEGIN + 0.2, BEGIN + 0.3]
    assert order(source) == ["item2", "item1", "item0"]


def test_times_without_a_zone_among_others_are_noted(tmp_path: Path) -> None:
    whole = imported(table(tmp_path, "2020-09-13T12:26:40Z", "2020-09-13T12:26:41"))
    assert "1 times say no zone: they are read as UTC" in whole.notes


def test_a_time_format_may_hold_a_zone_and_a_fraction(tmp_path: Path) -> None:
    source = table(tmp_path, "13.09.2020 20:26:40.500 +0800", "13.09.2020 12:26:40.250 +0000")
    whole = imported(source, time_format="%d.%m.%Y %H:%M:%S%.f %z")
    assert whole.events["timestamp"].to_list() == [BEGIN + 0.25, BEGIN + 0.5]


@pytest.mark.parametrize(
    ("time_format", "times"),
    [
        ("%Y-%m-%d %H:%M:%S.%f", ("2020-09-13 12:26:40.9", "2020-09-13 12:26:40.250", "2020-09-13 12:26:40")),
        ("%d.%m.%Y %H:%M:%S.%f", ("13.09.2020 12:26:40.900000", "13.09.2020 12:26:40.25", "13.09.2020 12:26:40.0")),
        ("%Y-%m-%d %H:%M:%S,%f", ("2020-09-13 12:26:40,900", "2020-09-13 12:26:40,250", "2020-09-13 12:26:40,000")),
        ("%Y%m%d%H%M%S%f", ("20200913122640900000", "20200913122640250000", "20200913122640000000")),
        (
            "%Y-%m-%d %H:%M:%S.%f%z",
            ("2020-09-13 12:26:40.9Z", "2020-09-13 20:26:40.25+0800", "2020-09-13 13:26:40.0+01:00"),
        ),
        (
            "%d/%m/%Y %I:%M:%S.%f %p",
            ("13/09/2020 12:26:40.9 PM", "13/09/2020 12:26:40.25 pm", "13/09/2020 12:26:40.0 PM"),
        ),
    ],
)
def test_a_time_format_is_written_as_in_python(
    tmp_path: Path, time_format: str, times: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "log.csv"
    rows = [f'u,item{place},"{time}",thing {place}\n' for place, time in enumerate(times)]
    source.write_text("".join([f"{HEADER}\n", *rows]))
    whole = imported(source, time_format=time_format)
    assert whole.events["timestamp"].to_list() == [BEGIN, BEGIN + 0.25, BEGIN + 0.9]
    assert order(source) == ["item2", "item1", "item0"]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("time_format", ["%m/%d/%Y %I:%M:%S", "%Y-%m-%d %H", "%Y-%m-%d %H:%M:%S %Z"])
def test_a_time_format_that_tells_no_time_is_refused_by_its_name(tmp_path: Path, time_format: str) -> None:
    source = table(tmp_path, "09/13/2020 12:26:40")
    arguments = ["import", "csv", str(source), "--out", str(tmp_path / "out"), "--time-format", time_format]
    done = raw.graft_client(*arguments)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--time-format: expected" in done.stderr


def test_a_date_in_digits_is_read_as_its_format_says(tmp_path: Path) -> None:
    assert imported(table(tmp_path, 20210305, 20210304), time_format="%Y%m%d").events["item_id"][0] == "item1"


def test_what_only_sorts_becomes_positions_that_the_folder_reads_back(tmp_path: Path) -> None:
    source = table(tmp_path, 20210305, 20210304, 20210304)
    whole = imported(source, "order")
    assert whole.events["timestamp"].to_list() == [0, 1, 2]
    assert order(source) == ["item1", "item2", "item0"]
    assert check_folder(tmp_path / "out").times == "order"


@pytest.mark.parametrize(("times", "said"), [((86_400, 172_800), "seconds"), (("1970-01-02", "1970-01-03"), None)])
def test_seconds_before_1990_read_back_as_they_are(tmp_path: Path, times: tuple[object, ...], said: str | None) -> None:
    imported(table(tmp_path, *times), said)
    assert read_folder(tmp_path / "out").events["timestamp"].to_list() == [86_400, 172_800]
    assert {one.kind for one in check_folder(tmp_path / "out").violations} <= {"few-events"}


def test_seconds_of_the_first_hour_read_back_as_the_note_says(tmp_path: Path) -> None:
    whole = imported(table(tmp_path, 42, 5), "seconds")
    note = "all timestamps lie in the first hour of 1970: commands take the folder as DIR,times=seconds"
    assert whole.notes[-1] == note
    assert read_folder(tmp_path / "out", "seconds").events["timestamp"].to_list() == [5, 42]
    assert note not in imported(table(tmp_path, BEGIN, 5), "seconds").notes


@pytest.mark.parametrize("zone", [None, "Asia/Shanghai"])
def test_times_of_a_parquet_table_are_times(tmp_path: Path, zone: str | None) -> None:
    times = pl.Series([BEGIN * 1000 + 500, BEGIN * 1000]).cast(pl.Datetime("ms", "UTC"))
    times = times.dt.replace_time_zone(None) if zone is None else times.dt.convert_time_zone(zone)
    log = pl.DataFrame({"user_id": ["u", "u"], "item_id": ["a", "b"], "timestamp": times, "text": ["A", "B"]})
    log.write_parquet(tmp_path / "log.parquet")
    assert imported(tmp_path / "log.parquet").events["timestamp"].to_list() == [BEGIN, BEGIN + 0.5]


def test_parts_of_one_data_set_are_in_one_unit(tmp_path: Path) -> None:
    header = "user_id:token\titem_id:token\ttimestamp:float\n"
    files = {
        "G.item": raw.ATOMIC_ITEMS,
        "G.train.inter": f"{header}a\t1\t{BEGIN}\n",
        "G.test.inter": f"{header}a\t2\t{BEGIN + 1}\na\t0\t{BEGIN * 1000}\n",
    }
    source = raw.write_zip(tmp_path / "g.zip", files)
    with pytest.raises(DataError, match=r"G\.test\.inter, line 3: column timestamp: expected seconds .*milliseconds"):
        import_platform(IMPORTERS["recbole"].read, (source,), tmp_path / "out")


def test_positions_over_the_parts_of_a_data_set_are_an_order(tmp_path: Path) -> None:
    header = "user_id:token\titem_id:token\ttimestamp:float\n"
    parts = {"train": "a\t1\t0\n", "valid": "a\t2\t1.0\n", "test": "a\t0\t2.0\n"}
    files = {f"G.{name}.inter": header + row for name, row in parts.items()}
    source = raw.write_zip(tmp_path / "g.zip", {"G.item": raw.ATOMIC_ITEMS, **files})
    whole = import_platform(IMPORTERS["recbole"].read, (source,), tmp_path / "out")
    assert whole.events["item_id"].to_list() == ["1", "2", "0"]
    assert any("timestamps tell an order, no times" in note for note in whole.notes)


def test_reviews_in_milliseconds_name_the_line_that_is_not(tmp_path: Path) -> None:
    reviews = [{**one, "unixReviewTime": int(str(one["unixReviewTime"])) * 1000} for one in raw.REVIEWS]
    raw.write_json_lines(tmp_path / "meta_Cards.json.gz", raw.PRODUCTS)
    raw.write_json_lines(tmp_path / "Cards.json.gz", reviews)
    whole = import_platform(IMPORTERS["amazon-reviews"].read, (tmp_path,), tmp_path / "out")
    assert whole.events["timestamp"].to_list() == [raw.BEGIN + 100, raw.BEGIN + 300, raw.BEGIN + 200]
    raw.write_json_lines(tmp_path / "Cards.json.gz", [*reviews, raw.REVIEWS[0]])
    with pytest.raises(DataError, match="line 5: field unixReviewTime: expected milliseconds"):
        import_platform(IMPORTERS["amazon-reviews"].read, (tmp_path,), tmp_path / "again")


def sheet(folder: Path, *times: str) -> Path:
    """Invoices of these dates."""
    rows = [f"{place},85048,LAMP,1,{time},2,13085,France\n" for place, time in enumerate(times)]
    (folder / "sheet.csv").write_text(raw.INVOICES.splitlines(keepends=True)[0] + "".join(rows))
    return folder / "sheet.csv"


def test_a_sheet_of_invoices_may_write_the_day_first(tmp_path: Path) -> None:
    source = sheet(tmp_path, "25/12/2010 08:26", "26/12/2010 08:26")
    whole = import_platform(IMPORTERS["uci-retail"].read, (source,), tmp_path / "out")
    assert whole.events["timestamp"].to_list() == [1_293_265_560, 1_293_265_560 + 86_400]  # 2010-12-25 08:26 UTC


def test_a_sheet_of_invoices_is_refused_where_its_dates_can_be_read_two_ways(tmp_path: Path) -> None:
    source = sheet(tmp_path, "1/12/2010 08:26", "2/12/2010 08:26")
    with pytest.raises(DataError, match="line 2: column InvoiceDate: expected one reading"):
        import_platform(IMPORTERS["uci-retail"].read, (source,), tmp_path / "out")


def test_the_command_takes_what_numbers_mean(tmp_path: Path) -> None:
    source = table(tmp_path, 2, 3)
    arguments = ["import", "csv", str(source), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*arguments, "--times", "order"])
    assert done.exit_code == 0
    assert "timestamps tell an order, no times: they are each user's positions" in done.output
    assert CliRunner().invoke(app, [*arguments, "--times", "days", "--force"]).exit_code != 0
