"""Importing any tables through a column map."""

from functools import partial
from pathlib import Path

import polars as pl
import pytest

from client.data.contract import PlatformFolder
from client.data.importers.csv_map import CsvMap, import_csv, parse_columns
from client.data.importers.table import import_platform
from client.data.source import read_folder
from shared.errors import ConfigError, DataError

SALES = "customer;sku;bought_at;qty\nann;7;2020-01-02 00:00:00;2\nann;8;1970-01-02 00:00:00;1\n"
GOODS = "code,title,brand,colour\n7,Hat,Acme,red\n8,Shoe,,blue\n"
MAP = "user_id=customer,item_id=sku,timestamp=bought_at,rating=qty,text=title+brand,items.item_id=code"


def imported(source: Path, out: Path, settings: CsvMap) -> PlatformFolder:
    import_platform(partial(import_csv, settings=settings), (source,), out)
    return read_folder(out)


def test_reads_two_tables_under_their_own_names(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text(SALES)
    (tmp_path / "goods.csv").write_text(GOODS)
    settings = CsvMap(items=tmp_path / "goods.csv", columns=parse_columns([MAP]))
    folder = imported(tmp_path / "sales.csv", tmp_path / "out", settings)
    assert folder.events.rows() == [("ann", 8, 86_400, 1.0), ("ann", 7, 18_263 * 86_400, 2.0)]
    assert folder.items.select("item_id", "text", "colour").rows() == [(7, "Hat. Acme", "red"), (8, "Shoe", "blue")]


def test_takes_the_items_from_the_events_where_there_is_no_other_table(tmp_path: Path) -> None:
    (tmp_path / "log.tsv").write_text("user_id\titem_id\ttimestamp\ttext\nu\ta\t1\t\nu\tb\t0\tB\nv\ta\t0\tA\n")
    folder = imported(tmp_path / "log.tsv", tmp_path / "out", CsvMap())
    assert sorted(folder.items.select("item_id", "text").rows()) == [("a", "A"), ("b", "B")]
    assert folder.events["timestamp"].to_list() == [0, 1, 0]


def test_reads_parquet_tables_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    events = pl.DataFrame({"user_id": [1, 1], "item_id": [5, 6], "timestamp": [1, 0]})
    events.write_parquet(tmp_path / "in" / "events.parquet")
    pl.DataFrame({"item_id": [5, 6], "text": ["a", "b"]}).write_parquet(tmp_path / "in" / "items.parquet")
    folder = imported(tmp_path / "in", tmp_path / "out", CsvMap())
    assert folder.events.rows() == [(1, 6, 0, 1.0), (1, 5, 1, 1.0)]


def test_numbers_the_events_where_there_is_no_time(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,item_id,text\nu,a,A\nv,b,B\nu,b,B\n")
    folder = imported(tmp_path / "log.csv", tmp_path / "out", CsvMap(no_time=True))
    assert folder.events["timestamp"].to_list() == [0, 1, 0]


def test_reads_other_encodings_and_time_formats(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes("user_id,item_id,timestamp,text\nu,a,02/01/1970,Café\n".encode("latin-1"))
    settings = CsvMap(encoding="latin-1", time_format="%d/%m/%Y")
    folder = imported(tmp_path / "log.csv", tmp_path / "out", settings)
    assert folder.events["timestamp"].to_list() == [86_400]
    assert folder.items["text"].to_list() == ["Café"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("user_id,item_id,timestamp\nu,a,1\n", "expected the column text for the text of items"),
        ("user,item_id,timestamp,text\nu,a,1,A\n", "expected the column user_id, found user, item_id"),
        ("user_id,item_id,timestamp,text\nu,a,1,A\nu,a,soon,A\n", "line 3: column timestamp: expected a number"),
        ("user_id,item_id,timestamp,text\nu,a,soon,A\n", "line 2: column timestamp: expected a time"),
        ("user_id,item_id,timestamp,text\nu,a,1e300,A\n", "line 2: column timestamp: expected seconds"),
        ("user_id,item_id,timestamp,text\nu,a,1\nu,b\n", "line 2: expected 4 fields, found 3"),
        ("user_id,item_id,timestamp,text\nu,,1,A\n", "line 2: column item_id: expected an id"),
        ("user_id,user_id,timestamp,text\nu,a,1,A\n", "line 1: expected column names, each once"),
    ],
)
def test_says_what_is_wrong_with_a_table(tmp_path: Path, content: str, expected: str) -> None:
    (tmp_path / "log.csv").write_text(content)
    with pytest.raises(DataError, match=expected):
        imported(tmp_path / "log.csv", tmp_path / "out", CsvMap())
    assert not (tmp_path / "out").exists()


def test_finds_the_separator_in_utf16(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes("user_id;item_id;timestamp;text\nu;a;0;A\n".encode("utf-16"))
    assert imported(tmp_path / "log.csv", tmp_path / "out", CsvMap(encoding="utf-16")).events.height == 1


def test_says_that_text_is_not_in_the_encoding_named(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,item_id,timestamp,text\nu,a,1,A\n")
    with pytest.raises(DataError, match="line 1: expected UTF-16 text"):
        imported(tmp_path / "log.csv", tmp_path / "out", CsvMap(encoding="utf-16"))


def test_refuses_a_column_name_longer_than_any(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("x" * 200_000 + ",item_id\n")
    with pytest.raises(DataError, match="line 1: cannot be cut into fields"):
        imported(tmp_path / "log.csv", tmp_path / "out", CsvMap())


def test_leaves_out_parquet_columns_that_have_no_text(tmp_path: Path) -> None:
    events = pl.DataFrame({"user_id": ["u"], "item_id": ["a"], "timestamp": [0], "text": ["A"]})
    events.with_columns(took=pl.duration(days=1)).write_parquet(tmp_path / "log.parquet")
    assert imported(tmp_path / "log.parquet", tmp_path / "out", CsvMap()).events.height == 1


@pytest.mark.parametrize("separator", ["é", '"', "\n", ",,", ""])
def test_refuses_a_separator_that_can_be_none(separator: str) -> None:
    with pytest.raises(ConfigError, match="--separator"):
        CsvMap(separator=separator)


@pytest.mark.parametrize("encoding", ["hex", "undefined", "klingon"])
def test_refuses_an_encoding_that_is_none(encoding: str) -> None:
    with pytest.raises(ConfigError, match="--encoding"):
        CsvMap(encoding=encoding)


@pytest.mark.parametrize("pair", ["user_id", "user_id=", "=x", "", "user_id=a,user_id=b"])
def test_refuses_a_map_that_is_none(pair: str) -> None:
    with pytest.raises(ConfigError, match="--map"):
        parse_columns([pair])


def test_refuses_a_name_that_is_not_ours() -> None:
    with pytest.raises(ConfigError, match="expected one of user_id, item_id"):
        CsvMap(columns={"user": "customer"})
