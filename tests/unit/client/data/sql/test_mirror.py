"""What is kept of a database between tasks: only what is new is read, and nothing is lost or believed wrongly."""

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from client.data.data_moment import DataMoment
from client.data.source import read_kept_data, read_platform_data
from client.data.sql.mirror import LIST
from client.store.keyring import KeySource, new_key
from client.store.records import PlainFolder
from client.store.vault import Vault
from shared.errors import DataError, HeadStoreError
from tests.unit.client.data.sql.shop import (
    EVENTS,
    NEW_PRODUCT,
    NEW_PURCHASE,
    change,
    files_holding,
    write_shop,
    write_source,
)


class Stopped(Exception):
    """The process ended here."""


class StoppingRecords(PlainFolder):
    """Ends after some writes."""

    def __init__(self, folder, writes) -> None:
        super().__init__(folder)
        self.left = writes

    def write(self, name, content) -> None:
        if self.left == 0:
            raise Stopped
        self.left -= 1
        super().write(name, content)


@pytest.fixture
def shop(tmp_path):
    return write_shop(tmp_path, **{"chunk-rows": 50})


@pytest.fixture
def asked():
    """Statements that reach a database, with their parameters."""
    found: list[tuple[str, tuple]] = []

    def note(_connection, _cursor, statement, parameters, _context, _many) -> None:
        found.append((statement, tuple(parameters)))

    event.listen(Engine, "before_cursor_execute", note)
    yield found
    event.remove(Engine, "before_cursor_execute", note)


def kept(path, task, records=None):
    heads = path.parent / "heads"
    return read_kept_data(path, records or PlainFolder(heads), heads / ".sql.lock", DataMoment(task=task))


def rows_read(asked):
    return [parameters[0] for statement, parameters in asked if "ORDER BY" in statement and ">=" in statement]


def same(one, other) -> bool:
    return one.items.equals(other.items) and one.events.equals(other.events)


def test_a_new_task_reads_new_events_alone_and_has_the_whole(shop, asked) -> None:
    assert same(kept(shop, "a/1"), read_platform_data(shop))
    change(shop.parent, NEW_PRODUCT, [("sku-new", "new", "ACME", "kind 0")])
    change(shop.parent, NEW_PURCHASE, [(900 + row, "user-1", "sku-new", 1_800_000_000 + row, 2.0) for row in range(70)])
    asked.clear()
    grown = kept(shop, "a/2")
    assert rows_read(asked) == [239]
    assert grown.events.height == 310
    assert same(grown, read_platform_data(shop))


def test_a_task_that_comes_again_finds_what_it_found_and_asks_no_database(shop, asked) -> None:
    first = kept(shop, "a/1")
    change(shop.parent, NEW_PURCHASE, [(900, "user-1", "sku-1", 1_800_000_000, 2.0)])
    asked.clear()
    assert same(kept(shop, "a/1"), first)
    assert same(kept(shop, ""), first)
    assert asked == []
    assert kept(shop, "a/2").events.height == 241


def test_others_that_come_with_the_last_watermark_are_not_missed(tmp_path) -> None:
    path = write_shop(tmp_path, watermark="timestamp", events=EVENTS.replace("id FROM", "id AS number FROM"))
    kept(path, "a/1")
    last = 1_700_000_000 + 239
    change(tmp_path, NEW_PURCHASE, [(900 + row, f"user-{row}", "sku-1", last, 2.0) for row in range(5)])
    found = kept(path, "a/2")
    assert found.events.height == 245
    assert sorted(found.events.rows()) == sorted(read_platform_data(path).events.rows())


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM purchases WHERE customer = 'user-3'",
        "DELETE FROM purchases WHERE id = 239",
        "INSERT INTO purchases VALUES (-5, 'user-3', 'sku-1', 1700000000, 1.0)",
    ],
)
def test_an_event_that_was_deleted_or_came_late_is_noticed(shop, statement) -> None:
    kept(shop, "a/1")
    change(shop.parent, statement)
    assert same(kept(shop, "a/2"), read_platform_data(shop))


def test_another_query_reads_all_anew(shop) -> None:
    kept(shop, "a/1")
    write_source(shop.parent, events=f"{EVENTS} WHERE stars > 1")
    change(shop.parent, "UPDATE purchases SET stars = 0.5 WHERE id < 100")
    assert kept(shop, "a/1").events.height == 140


def test_a_crash_at_any_write_loses_nothing(shop) -> None:
    kept(shop, "a/1")
    change(shop.parent, NEW_PURCHASE, [(900 + row, "user-1", "sku-1", 1_800_000_000 + row, 2.0) for row in range(120)])
    before = kept(shop, "a/1")
    stopped = 0
    for writes in range(20):
        records = StoppingRecords(shop.parent / "heads", writes)
        try:
            kept(shop, "a/2", records)
            break
        except Stopped:
            stopped += 1
            assert same(kept(shop, "a/1"), before)
    assert stopped == 5  # three parts of events, one of items, the list
    assert same(kept(shop, "a/2"), read_platform_data(shop))


def test_nothing_is_left_of_what_is_on_no_list(shop) -> None:
    for task in ("a/1", "a/2", "a/3"):
        kept(shop, task)
    names = PlainFolder(shop.parent / "heads").names()
    assert len(names) == 1 + 6 + 1  # the list; 240 events by 50, the last of them read again; the items


def test_a_query_that_fails_leaves_what_was_there(shop) -> None:
    first = kept(shop, "a/1")
    change(shop.parent, "ALTER TABLE purchases RENAME TO sold")
    with pytest.raises(DataError, match="the events query failed"):
        kept(shop, "a/2")
    assert same(kept(shop, "a/1"), first)


def test_an_unknown_item_is_refused_before_it_is_believed(shop) -> None:
    kept(shop, "a/1")
    change(shop.parent, NEW_PURCHASE, [(900, "user-1", "sku-nowhere", 1_800_000_000, 2.0)])
    with pytest.raises(DataError, match="not in the items query"):
        kept(shop, "a/2")
    change(shop.parent, NEW_PRODUCT, [("sku-nowhere", "new", "ACME", "kind 0")])
    assert kept(shop, "a/2").events.height == 241


@pytest.mark.parametrize(("value", "word"), [("NULL", "null"), ("x'00'", "bytes")])
def test_a_watermark_that_tells_no_order_is_refused(shop, value, word) -> None:
    change(shop.parent, f"UPDATE purchases SET id = {value} WHERE id = 17")  # noqa: S608
    with pytest.raises(DataError, match=f"column id: expected numbers, times or texts that only grow, found {word}"):
        kept(shop, "a/1")


def test_a_damaged_record_is_named_and_without_it_all_is_read_anew(shop) -> None:
    kept(shop, "a/1")
    part = next((shop.parent / "heads").glob("sql-part-*.head"))
    part.write_bytes(part.read_bytes()[:50])
    with pytest.raises(HeadStoreError, match=r"sql-part-\d+ is damaged"):
        kept(shop, "a/1")
    part.unlink()
    assert same(kept(shop, "a/1"), read_platform_data(shop))
    PlainFolder(shop.parent / "heads").write(LIST, b"{}")
    assert same(kept(shop, "a/1"), read_platform_data(shop))


def test_without_a_watermark_all_is_read_and_nothing_is_kept(tmp_path) -> None:
    path = write_shop(tmp_path, watermark=None)
    kept(path, "a/1")
    change(tmp_path, NEW_PURCHASE, [(900, "user-1", "sku-1", 1_800_000_000, 2.0)])
    assert kept(path, "a/1").events.height == 241
    assert list((tmp_path / "heads").glob("*")) == []


def test_in_a_vault_no_text_and_no_id_lies_open(shop, monkeypatch) -> None:
    monkeypatch.setenv("VAULT_KEY", new_key())
    vault = Vault.make(shop.parent / "heads", KeySource.parse("env:VAULT_KEY"))
    found = kept(shop, "a/1", vault)
    assert same(found, read_platform_data(shop))
    for text in ("thing 3", "user-7", "sku-3"):
        assert list(files_holding(shop.parent / "heads", text)) == []
    plain = PlainFolder(shop.parent / "plain")
    read_kept_data(shop, plain, shop.parent / "heads" / ".sql.lock", DataMoment(task="a/1"))
    assert list(files_holding(shop.parent / "plain", "thing 3"))
