"""Reading a database at once: the same platform as a folder of the same rows, and each wrong thing in a sentence."""

import polars as pl
import pytest

from client.data.check import check_folder
from client.data.data_moment import DataMoment
from client.data.folder_options import Preparation
from client.data.preparation import draw_by_id, prepare
from client.data.source import platform_name, read_kept_data, read_platform_data
from client.data.sql.database import SqlSource, snapshot
from client.store.records import PlainFolder
from shared.errors import ConfigError, DataError
from tests.unit.client.data.sql.shop import EVENTS, ITEMS, PRODUCTS, PURCHASES, change, write_shop, write_source

TWICE = (
    "SELECT p.*, customer AS user_id, at AS timestamp, id FROM (SELECT sku AS item_id, 7 AS timestamp, sku AS more, \
maker AS more FROM products) p JOIN purchases ON sku = item_id"
)
"""A join whose two tables both have a ``timestamp``."""


def test_reads_a_query_that_gives_a_column_twice_which_is_not_read(tmp_path) -> None:
    path = write_shop(tmp_path, events=TWICE.replace("7 AS timestamp", "7 AS other"))
    assert sorted(read_platform_data(path).events["timestamp"]) == [at for _, _, _, at, _ in PURCHASES]


def test_refuses_a_watermark_that_a_query_gives_twice(tmp_path) -> None:
    path, heads = write_shop(tmp_path, events=EVENTS.replace(", id FROM", ", id, at AS ID FROM")), tmp_path / "heads"
    with pytest.raises(DataError, match="column id: expected each column once, found id several times"):
        read_kept_data(path, PlainFolder(heads), heads / ".l", DataMoment(task="a/1"))


def test_reads_what_the_queries_say_whatever_the_size_of_a_chunk(tmp_path) -> None:
    for rows in (1, 7, 20_000):
        folder = read_platform_data(write_source(write_shop(tmp_path / str(rows)).parent, **{"chunk-rows": rows}))
        assert sorted(folder.items.rows()) == sorted(
            (sku, f"{title} by ACME", kind) for sku, title, _, kind in PRODUCTS
        )
        assert sorted(folder.events.rows()) == sorted(
            (user, item, at, stars, True) for _, user, item, at, stars in PURCHASES
        )
        assert folder.events.schema["rating"] == pl.Float32


def test_names_a_column_that_may_be_the_rating(tmp_path, caplog) -> None:
    path = write_shop(tmp_path, events=EVENTS.replace("stars AS rating", "0 AS label"), **{"chunk-rows": 50})
    said = (
        "the events query: the column label is not read, every event counts as rated 1 "
        "(select it AS rating to have it read)"
    )
    assert said in check_folder(path).notes
    moment, heads = DataMoment(task="a/1"), tmp_path / "heads"
    for read in (
        read_platform_data,
        *[lambda path: read_kept_data(path, PlainFolder(heads), heads / ".l", moment)] * 2,
    ):
        caplog.clear()
        assert (read(path).events["rating"] == 1).all()
        assert f"{path}: {said}" in caplog.messages


def test_a_platform_is_called_after_its_file(tmp_path) -> None:
    assert platform_name(tmp_path / "shop.toml") == "shop"


def test_rows_come_in_chunks_while_more_are_to_come(tmp_path) -> None:
    path = write_shop(tmp_path, **{"chunk-rows": 50})
    with snapshot(SqlSource.read(path), path) as found:
        sizes = [len(chunk.rows) for chunk in found.events()]
    assert sizes == [0, 50, 50, 50, 50, 40]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"events": EVENTS.replace("purchases", "nowhere")}, r"the events query failed \(no such table: nowhere\)"),
        ({"items": "SELCT 1"}, "the items query failed"),
        ({"items": "DROP TABLE products"}, "the items query failed"),
        ({"events": EVENTS.replace("customer AS user_id,", "")}, "expected the column user_id|no such column: user_id"),
        ({"items": ITEMS.replace("AS text", "AS title")}, "the items query: expected the column text, found item_id"),
        ({"events": TWICE}, "the events query: expected each column once, found timestamp several times"),
        ({"events": f"{TWICE} ORDER BY id", "watermark": ""}, "found timestamp several times .name the columns one by"),
        ({"items": ITEMS.replace("kind AS", "kind AS Text, kind AS")}, "the items query: .* found text several times"),
        ({"items": ITEMS.replace("kind AS", "5 AS")}, "the items query: column category: expected strings, found int"),
        ({"events": f"{EVENTS} WHERE id < 0"}, "the events query: expected rows, found none"),
        ({"items": f"{ITEMS[:-1]} WHERE sku <> 'sku-3'"}, "the events query: column item_id, row .*not in the items"),
        ({"watermark": "nowhere"}, r"the events query failed \(no such column: nowhere\)"),
        ({"url": "sqlite:///nowhere.db"}, "nowhere.db: expected an SQLite database, found nothing"),
        ({"url": "sqlite:///shop.toml"}, "file is not a database"),
    ],
)
def test_says_in_one_sentence_what_is_wrong(tmp_path, changes, sentence) -> None:
    path = write_shop(tmp_path, **changes)
    with pytest.raises(DataError, match=sentence) as caught:
        read_platform_data(path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "nowhere.db").exists()


def test_a_driver_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"no driver for firebird\+nowhere is installed"):
        read_platform_data(write_source(tmp_path, url="firebird+nowhere://db.example/shop"))


def test_what_a_driver_says_of_a_row_is_not_passed_on(tmp_path) -> None:
    path = write_shop(tmp_path)
    change(tmp_path, "UPDATE purchases SET customer = CAST(x'70726976617465ff' AS text) WHERE id = 200")
    with pytest.raises(DataError, match=r"failed while its rows were read \(OperationalError\)") as caught:
        read_platform_data(path)
    assert "private" not in str(caught.value)


def test_writing_through_a_query_is_impossible(tmp_path) -> None:
    path = write_shop(tmp_path)
    with snapshot(SqlSource.read(path), path) as found, pytest.raises(Exception, match="readonly"):
        found.connection.exec_driver_sql("DELETE FROM purchases")


def test_a_colon_in_a_query_is_no_parameter(tmp_path) -> None:
    path = write_shop(tmp_path, items=ITEMS.replace("' by '", "' :by: '"))
    assert read_platform_data(path).items["text"].str.contains(" :by: ", literal=True).all()


@pytest.mark.parametrize("changes", [{}, {"watermark": None}, {"watermark": None, "events": f"{EVENTS} ORDER BY id"}])
def test_a_query_may_end_in_a_comment(tmp_path, changes) -> None:
    queries = {"items": ITEMS.rstrip(";"), "events": EVENTS, **changes}
    commented = {name: f"{query} -- of today" if query else query for name, query in queries.items()}
    commented["watermark"] = changes.get("watermark", "id")
    folder = read_platform_data(write_shop(tmp_path, **commented))
    assert (folder.items.height, folder.events.height) == (len(PRODUCTS), len(PURCHASES))


def test_ids_that_are_numbers_in_one_query_and_texts_in_the_other_meet(tmp_path) -> None:
    numbers = {"items": ITEMS.replace("sku AS", "CAST(substr(sku, 5) AS real) AS")}
    texts = {"events": EVENTS.replace("sku AS", "substr(sku, 5) || '.0' AS")}
    folder = read_platform_data(write_shop(tmp_path, **numbers, **texts))
    assert set(folder.items["item_id"]) == {str(number) for number in range(12)}
    assert set(folder.events["item_id"]) == {str(number) for number in range(12)}


def test_shows_ids_of_both_queries_where_they_do_not_meet(tmp_path) -> None:
    path = write_shop(tmp_path, events=EVENTS.replace("sku AS", "upper(sku) AS"))
    with pytest.raises(DataError, match=r"the events name 'SKU-0', .*, the items are 'sku-0', ") as caught:
        read_platform_data(path)
    assert "import csv" not in str(caught.value)


def test_check_lists_what_breaks_the_contract(tmp_path) -> None:
    path = write_shop(tmp_path)
    assert check_folder(path).lines() == [f"{path}: 60 users, 12 items, 240 events", "no violation"]
    change(tmp_path, "DELETE FROM products WHERE sku = 'sku-3'")
    change(tmp_path, "UPDATE purchases SET stars = NULL WHERE id = 7")
    report = check_folder(path)
    assert {(one.kind, one.file, one.count) for one in report.violations} == {
        ("unknown-item", "the events query", 20),
        ("bad-rating", "the events query", 1),
    }
    assert not check_folder(write_source(tmp_path, items="SELECT 1 AS item_id")).sound


def test_who_joins_later_moves_no_calibration_user(tmp_path) -> None:
    path = write_shop(tmp_path)
    before = prepare(read_platform_data(path), Preparation(), name="shop", seed=3)
    rows = [(1000 + row, f"late-{row // 4}", f"sku-{row % 4}", 1_800_000_000 + row, 4.0) for row in range(160)]
    change(tmp_path, "INSERT INTO purchases VALUES (?, ?, ?, ?, ?)", rows)
    after = prepare(read_platform_data(path), Preparation(), name="shop", seed=3)
    old = set(before.user_ids)
    named = [{platform.user_ids[row] for row in platform.calibration_users} for platform in (before, after)]
    assert len(after.user_ids) == 100
    assert named[0] == named[1] & old
    assert named[0]


def test_about_a_fifth_of_the_users_are_calibration_users() -> None:
    training, calibration = draw_by_id([str(number) for number in range(4000)], 3000, 1)
    assert len(training) == 3000
    assert set(calibration) <= set(training)
    assert 0.17 < len(calibration) / 3000 < 0.23  # three standard deviations are .022
