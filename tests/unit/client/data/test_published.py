"""When items were published, from every way in; what is no time is refused in one sentence."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from client.data.check import check_folder
from client.data.folder_options import Preparation
from client.data.importers.csv_settings import CsvMap, parse_columns
from client.data.listed import listed
from client.data.preparation import prepare
from client.data.source import read_folder, read_platform_data
from client.ensemble.cross_fitting import fit_data
from shared.errors import DataError
from tests.unit.client.data.folders import BEGIN, ITEMS, write_folder
from tests.unit.client.data.importers.csv_tables import imported
from tests.unit.client.data.sql.shop import ITEMS as SHOP_ITEMS
from tests.unit.client.data.sql.shop import write_shop
from tests.unit.client.recommender.world import prepared, small_platform

DAY = 86_400


def dated(path: Path, values: list[object]) -> Path:
    return write_folder(path, items=ITEMS.with_columns(published=pl.Series(values)))


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ([BEGIN, BEGIN + 1, None], [BEGIN, BEGIN + 1, None]),
        ([BEGIN * 1_000, None, BEGIN * 1_000 + 500], [BEGIN, None, BEGIN + 0.5]),
        ([float("nan"), float(BEGIN), 1.5e9], [None, BEGIN, 1.5e9]),
        ([date(1970, 1, 11), None, date(1960, 1, 1)], [10 * DAY, None, -3653 * DAY]),
        ([datetime(2020, 1, 1, 12, tzinfo=UTC), None, None], [1_577_880_000, None, None]),
        ([None, None, None], [None, None, None]),
    ],
    ids=["seconds", "milliseconds", "floats", "dates", "times", "nothing"],
)
def test_a_folder_says_it_as_it_says_times(tmp_path: Path, values: list[object], seconds: list[float | None]) -> None:
    found = read_folder(dated(tmp_path, values))
    assert found.items["published"].to_list() == seconds
    assert found.items["published"].dtype == pl.Float64


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (["2020-01-01", "2021-01-01", ""], "items.parquet: column published: expected numbers or times, found String"),
        ([BEGIN, 2019, None], "items.parquet: column published, row 1: expected seconds as in other rows, found a"),
        ([1999, 2004, 2011], "row 0: expected seconds since 1970 .* write them as dates or times"),
        (
            [datetime(2020, 1, 1, tzinfo=UTC), None, datetime(2200, 1, 1, tzinfo=UTC)],
            "row 2: expected a time before the year 2100",
        ),
        ([float(BEGIN), float("inf"), None], "row 1: expected a time, found an infinite number"),
    ],
    ids=["texts", "a year among seconds", "years", "after 2100", "infinite"],
)
def test_what_is_no_time_is_refused_in_one_sentence(tmp_path: Path, values: list[object], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        read_folder(dated(tmp_path, values))
    (found,) = check_folder(tmp_path).unreadable
    assert "column published" in found


def test_check_counts_them(tmp_path: Path) -> None:
    assert check_folder(dated(tmp_path / "some", [BEGIN, None, BEGIN])).counts["published_items"] == 2
    assert "published_items" not in check_folder(write_folder(tmp_path / "none")).counts


def test_a_prepared_platform_knows_it_of_its_catalogue_and_lists_of_what_nobody_met(tmp_path: Path) -> None:
    rows = [(user, (user + step) % 6) for user in range(12) for step in range(4)]
    events = pl.DataFrame(rows, schema=["user_id", "item_id"], orient="row")
    events = events.with_columns(timestamp=pl.Series(BEGIN + np.arange(len(rows))))
    items = pl.DataFrame({"item_id": range(8), "text": [f"thing {item}" for item in range(8)]})
    items = items.with_columns(published=pl.Series([BEGIN + item if item % 2 else None for item in range(8)]))
    folder = read_folder(write_folder(tmp_path, items=items, events=events))
    platform = prepare(folder, Preparation(), name="shop", seed=0)
    known = {item: at for item, at in zip(platform.item_ids, platform.published, strict=True) if not np.isnan(at)}
    assert known == {"1": BEGIN + 1, "3": BEGIN + 3, "5": BEGIN + 5}
    unmet = listed(folder, Preparation(), platform, by_vector=False, seed=0).items
    assert unmet.item_ids == ("6", "7")
    np.testing.assert_array_equal(unmet.published, [np.nan, BEGIN + 7])


@pytest.mark.parametrize(
    ("value", "seconds"), [("'2020-01-01 12:00:00'", 1_577_880_000), (str(BEGIN), BEGIN), ("NULL", None)]
)
def test_a_query_says_it(tmp_path: Path, value: str, seconds: float | None) -> None:
    path = write_shop(tmp_path, items=SHOP_ITEMS.replace(" FROM", f", {value} AS published FROM"))
    assert set(read_platform_data(path).items["published"]) == {seconds}


def test_a_query_that_says_no_time_is_refused(tmp_path: Path) -> None:
    path = write_shop(tmp_path, items=SHOP_ITEMS.replace(" FROM", ", 'lately' AS published FROM"))
    with pytest.raises(DataError, match="column published, row 0: expected a number, a time or a text in ISO 8601"):
        read_platform_data(path)


SALES = "user_id,item_id,timestamp\n" + "".join(f"u{row % 2},{row % 3},{BEGIN + row}\n" for row in range(6))


@pytest.mark.parametrize(
    ("written", "options", "seconds"),
    [
        (["2020-01-01T12:00:00Z", "", "2019-12-31"], {}, [1_577_880_000, None, 1_577_750_400]),
        ([str(BEGIN), "", str(BEGIN + 1)], {}, [BEGIN, None, BEGIN + 1]),
        (["", "", ""], {}, [None, None, None]),
    ],
    ids=["texts", "seconds", "nothing"],
)
def test_a_table_of_items_says_it_under_its_own_name(
    tmp_path: Path, written: list[str], options: dict[str, str], seconds: list[float | None]
) -> None:
    (tmp_path / "events.csv").write_text(SALES)
    goods = "".join(f"{item},thing {item},{at}\n" for item, at in enumerate(written))
    (tmp_path / "items.csv").write_text(f"item_id,text,since\n{goods}")
    settings = CsvMap(columns=parse_columns(["published=since"]), **options)
    assert imported(tmp_path, tmp_path / "out", settings).items["published"].to_list() == seconds


@pytest.mark.parametrize("wrong", ["03/04/2021", "lately", "1995"])
def test_a_table_of_items_whose_dates_are_none_is_refused_with_its_line(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "events.csv").write_text(SALES)
    (tmp_path / "items.csv").write_text(f"item_id,text,published\n0,a,2020-01-01\n1,b,\n2,c,{wrong}\n")
    with pytest.raises(DataError, match=r"items\.csv, line 4: column published: expected a time in ISO 8601"):
        imported(tmp_path, tmp_path / "out", CsvMap())


def test_the_first_row_that_says_it_counts_where_items_stand_in_the_table_of_events(tmp_path: Path) -> None:
    rows = [("0", ""), ("0", BEGIN), ("1", ""), ("1", "")]
    lines = "".join(f"u,{item},{BEGIN + place},thing,{at}\n" for place, (item, at) in enumerate(rows))
    (tmp_path / "events.csv").write_text(f"user_id,item_id,timestamp,text,published\n{lines}")
    assert imported(tmp_path / "events.csv", tmp_path / "out", CsvMap()).items["published"].to_list() == [BEGIN, None]


def test_scorers_are_fitted_on_when_items_were_published(tmp_path: Path) -> None:
    platform = replace(small_platform(), published=np.full(40, 1.6e9))
    assert fit_data(prepared(platform), platform.training_users).published is platform.published
