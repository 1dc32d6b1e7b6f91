"""Importing Parquet tables through a column map."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from client.data.importers.csv_map import import_csv
from client.data.importers.csv_settings import CsvMap
from client.data.importers.table import import_platform
from shared.errors import DataError
from tests.unit.client.data.importers.csv_tables import imported

LOG = pl.DataFrame({"user_id": ["u"], "item_id": ["a"], "timestamp": [0], "text": ["A"]})


def test_leaves_out_parquet_columns_that_have_no_text_and_names_them(tmp_path: Path) -> None:
    LOG.with_columns(took=pl.duration(days=1)).write_parquet(tmp_path / "log.parquet")
    done = import_platform(import_csv, (tmp_path / "log.parquet",), tmp_path / "out")
    assert done.events.height == 1
    assert done.notes[1:] == (f"{tmp_path}/log.parquet: columns that were not read: took",)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_takes_a_parquet_time_with_a_zone(tmp_path: Path, zone: str) -> None:
    time = pl.Series("timestamp", [datetime(1970, 1, 2, tzinfo=UTC)]).dt.convert_time_zone(zone)
    LOG.with_columns(time).write_parquet(tmp_path / "log.parquet")
    assert imported(tmp_path / "log.parquet", tmp_path / "out", CsvMap()).events["timestamp"].to_list() == [86_400]


def test_takes_a_parquet_list_of_texts_for_a_text(tmp_path: Path) -> None:
    LOG.with_columns(text=pl.Series([["A", "B"]])).write_parquet(tmp_path / "log.parquet")
    assert imported(tmp_path / "log.parquet", tmp_path / "out", CsvMap()).items["text"].to_list() == ["A, B"]


def test_says_the_type_of_a_parquet_column_that_it_cannot_take(tmp_path: Path) -> None:
    LOG.with_columns(user_id=pl.Series([b"u"])).write_parquet(tmp_path / "log.parquet")
    with pytest.raises(DataError, match="expected the column user_id, found user_id of type Binary"):
        imported(tmp_path / "log.parquet", tmp_path / "out", CsvMap())


@pytest.mark.parametrize(("kind", "bound"), [(pl.Float32, 2**24), (pl.Float64, 2**53)])
@pytest.mark.parametrize("name", ["user_id", "item_id"])
def test_refuses_parquet_ids_that_their_float_cannot_tell_apart(
    tmp_path: Path, name: str, kind: type[pl.DataType], bound: int
) -> None:
    log = pl.concat([LOG, LOG, LOG]).with_columns(pl.Series(name, [bound - 2, bound - 1, bound + 1]).cast(kind))
    log[:2].write_parquet(tmp_path / "log.parquet")
    folder = imported(tmp_path / "log.parquet", tmp_path / "out", CsvMap(no_time=True))
    assert sorted(folder.events[name].to_list()) == [bound - 2, bound - 1]
    log.write_parquet(tmp_path / "log.parquet")
    with pytest.raises(DataError, match=rf"log\.parquet, row 2: column {name}: expected a whole number that {kind}"):
        imported(tmp_path / "log.parquet", tmp_path / "again", CsvMap(no_time=True))


def test_refuses_described_items_whose_float_cannot_tell_them_apart(tmp_path: Path) -> None:
    LOG.write_parquet(tmp_path / "events.parquet")
    items = pl.DataFrame({"code": [1.0, None, 2.5], "text": ["A", "B", "C"]})
    items.write_parquet(tmp_path / "items.parquet")
    with pytest.raises(DataError, match=r"items\.parquet, row 2: column code: expected a whole number"):
        imported(tmp_path, tmp_path / "out", CsvMap(columns={"items.item_id": "code"}))


def test_reads_parquet_tables_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    events = pl.DataFrame({"user_id": [1, 1], "item_id": [5, 6], "timestamp": [1, 0]})
    events.write_parquet(tmp_path / "in" / "events.parquet")
    pl.DataFrame({"item_id": [5, 6], "text": ["a", "b"]}).write_parquet(tmp_path / "in" / "items.parquet")
    folder = imported(tmp_path / "in", tmp_path / "out", CsvMap())
    assert folder.events.rows() == [(1, 6, 0, 1.0, True), (1, 5, 1, 1.0, True)]
