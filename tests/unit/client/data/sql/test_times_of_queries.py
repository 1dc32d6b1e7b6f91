"""Timestamps and ties of a database's events."""

from pathlib import Path

import polars as pl
import pytest

from client.data.check import check_folder
from client.data.data_moment import DataMoment
from client.data.source import read_kept_data, read_platform_data
from client.data.sql.mirror import LIST, PREFIX
from client.data.sql.sorted_query import sorts
from client.store.records import PlainFolder
from shared.errors import DataError
from tests.unit.client.data.sql.shop import EVENTS, change, write_shop

BEGIN = 1_700_000_000
IN_TEXT = EVENTS.replace("at AS", "strftime('%Y-%m-%dT%H:%M:%S', at, 'unixepoch') || '.' || (9 - id % 4) || 'Z' AS")
ONE_TIME = EVENTS.replace("at AS", f"{BEGIN} AS").replace(", id FROM", " FROM")


def items_of(path: Path, user: str = "user-5") -> list[str]:
    return read_platform_data(path).events.filter(pl.col("user_id") == user)["item_id"].to_list()


def kept(path: Path, task: str) -> pl.DataFrame:
    heads = path.parent / "heads"
    return read_kept_data(path, PlainFolder(heads), heads / ".sql.lock", DataMoment(task=task)).events


def test_order_inside_a_second_is_kept(tmp_path) -> None:
    path = write_shop(tmp_path, events=IN_TEXT)
    change(tmp_path, "UPDATE purchases SET at = ?", [(BEGIN,)])
    assert items_of(path) == ["sku-8", "sku-7", "sku-6", "sku-5"]
    assert kept(path, "a/1").equals(read_platform_data(path).events)


@pytest.mark.parametrize("rows", [7, 20_000])
def test_milliseconds_become_seconds_whatever_the_size_of_a_chunk(tmp_path, rows) -> None:
    path = write_shop(tmp_path, events=EVENTS.replace("at AS", "at * 1000 + 250 AS"), **{"chunk-rows": rows})
    assert sorted(kept(path, "a/1")["timestamp"]) == [BEGIN + row + 0.25 for row in range(240)]
    assert "the events query: timestamps are milliseconds: read as seconds" in check_folder(path).lines()[1]


def test_units_that_differ_between_chunks_are_refused(tmp_path) -> None:
    path = write_shop(tmp_path, **{"chunk-rows": 50})
    change(tmp_path, "UPDATE purchases SET at = at * 1000 WHERE id >= 200")
    for read in (read_platform_data, lambda path: kept(path, "a/1")):
        with pytest.raises(DataError, match="expected seconds as in other rows, found milliseconds"):
            read(path)
    assert not check_folder(path).sound


def test_times_and_numbers_in_one_column_are_refused(tmp_path) -> None:
    mixed = EVENTS.replace("at AS", "iif(id < 100, at, '2023-11-14') AS")
    path = write_shop(tmp_path, events=mixed, **{"chunk-rows": 50})
    with pytest.raises(DataError, match=r"column timestamp: expected times of one type, found Datetime.* and numbers"):
        read_platform_data(path)


def test_numbers_that_tell_neither_times_nor_positions_are_asked_about(tmp_path) -> None:
    path = write_shop(tmp_path, events=EVENTS.replace("at AS", "at / 86400 AS"))
    with pytest.raises(DataError, match=r"the events query: column timestamp, row 0: .* say times=order"):
        read_platform_data(path)
    assert read_platform_data(path, "order").events["timestamp"].max() == BEGIN // 86_400


def test_chunks_that_were_kept_before_times_had_fractions_are_read_anew(tmp_path) -> None:
    path = write_shop(tmp_path, events=IN_TEXT)
    first, records = kept(path, "a/1"), PlainFolder(tmp_path / "heads")
    listed = records.read(LIST) or b""
    records.write(LIST, listed.replace(b"graft-sql-mirror/2", b"graft-sql-mirror/1"))
    for name in records.names():
        if name.startswith(PREFIX):
            records.write(name, b"whole seconds")
    assert kept(path, "a/2").equals(first)


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_ties_keep_the_order_of_the_query(tmp_path, direction) -> None:
    path = write_shop(tmp_path, events=f"{ONE_TIME} ORDER BY id {direction};", watermark=None)
    assert items_of(path) == [f"sku-{each}" for each in (5, 6, 7, 8)][:: 1 if direction == "ASC" else -1]
    assert "240 events share their user and their time with another one: they keep the query's order" in (
        check_folder(path).lines()
    )


def test_ties_of_a_watermark_keep_its_order(tmp_path) -> None:
    path = write_shop(tmp_path, events=EVENTS.replace("at AS", f"{BEGIN} AS").replace(", id", ", -id AS id"))
    assert items_of(path) == ["sku-8", "sku-7", "sku-6", "sku-5"]
    assert check_folder(path).notes[-1].endswith(": they keep the watermark's order")


def test_numbers_in_texts_are_named_with_what_makes_numbers_of_them(tmp_path) -> None:
    texts = EVENTS.replace("at AS", "iif(id < 70, '2023-11-14', CAST(at AS TEXT)) AS")
    path = write_shop(tmp_path, events=texts, **{"chunk-rows": 50})
    with pytest.raises(DataError) as caught:
        read_platform_data(path)
    assert str(caught.value) == (
        f"{path}: the events query: column timestamp, after 50 rows, row 20: expected a number, a time or a text in "
        "ISO 8601; where a text holds a number: CAST(... AS NUMERIC)"
    )
    path = write_shop(tmp_path / "cast", events=EVENTS.replace("at AS", "CAST(CAST(at AS TEXT) AS NUMERIC) AS"))
    assert sorted(read_platform_data(path).events["timestamp"]) == [BEGIN + row for row in range(240)]


@pytest.mark.parametrize("watermark", [None, "timestamp"])
def test_ties_of_a_query_without_an_order_are_drawn(tmp_path, watermark) -> None:
    path = write_shop(tmp_path, events=ONE_TIME, watermark=watermark)
    before = {user: items_of(path, user) for user in ("user-5", "user-17", "user-29", "user-41")}
    assert any(items != sorted(items) for items in before.values())
    change(tmp_path, "CREATE TABLE other AS SELECT * FROM purchases ORDER BY id DESC")
    change(tmp_path, "DROP TABLE purchases")
    change(tmp_path, "ALTER TABLE other RENAME TO purchases")
    assert {user: items_of(path, user) for user in before} == before
    assert "the query sorts none, they are drawn" in check_folder(path).lines()[1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("SELECT a FROM b ORDER BY a", True),
        ("select a from b order\n by a;", True),
        ("WITH x AS (SELECT 1) SELECT a FROM x ORDER BY (SELECT 1)", True),
        ("SELECT a FROM (SELECT a FROM b ORDER BY a LIMIT 5) c", False),
        ("SELECT row_number() OVER (PARTITION BY f(a) ORDER BY a) FROM b", False),
        ("SELECT 'order by' AS \"order by\" FROM b -- ORDER BY a", False),
        ("SELECT a /* ORDER BY a */ FROM b", False),
    ],
)
def test_knows_whether_a_query_sorts(query, found) -> None:
    assert sorts(query) is found
