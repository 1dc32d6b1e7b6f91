"""A large record, of which rows are read when they are asked for: the same lists as with all of it in memory."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from client.features.row_matrices import entries_of
from client.recommender.catalogue_update import NewItem, with_items
from client.recommender.recommender import NO_HISTORY, ListQuery, Recommender
from client.recommender.served_head import LARGE, RECORD, forget_users, open_served, read_served
from client.recommender.stored_texts import StoredIds, StoredTexts, id_index, row_of_each, rows_of_texts
from client.scorers.encoder_scorers import KeptEncoder
from client.serving.id_form import IdForm
from client.serving.live_head import head_name
from client.store.head_store import HeadStore
from client.store.keyring import KeySource, new_key
from client.store.stored_rows import StoredRows
from client.store.vault import Vault
from shared.errors import VaultError
from tests.unit.client.recommender.served_world import LAST, served_world
from tests.unit.client.recommender.test_request_shortlist import opened

HISTORIES = [NO_HISTORY, np.array([7], np.int32), np.array([3, 4, 5, 30, 4], np.int32)]
CATEGORIES = tuple("abca"[row % 4] for row in range(40))


@pytest.fixture
def store(tmp_path, monkeypatch):
    """In which any catalogue counts as large, and blocks are small."""
    for module in ("sealed", "content", "stored_rows"):
        monkeypatch.setattr(f"client.store.{module}.BLOCK", 64)
    for module in ("served_head", "served_catalogue"):
        monkeypatch.setattr(f"client.recommender.{module}.WHOLE_UP_TO", 0)
    monkeypatch.setattr("client.scorers.scorer.WHOLE_UP_TO", 0)
    monkeypatch.setattr("client.recommender.served_head._HELD_UP_TO", 0)
    (tmp_path / "key").write_text(new_key())
    (tmp_path / "key").chmod(0o600)
    return HeadStore(Vault.make(tmp_path / "vault", KeySource(kind="file", where=str(tmp_path / "key"))))


def world(**options):
    """With sparse counts, as a large catalogue has them."""
    served = served_world(timed=True, baskets=True, **options)
    statistics = {
        name: sp.csr_array(matrix) if matrix.ndim == 2 else matrix for name, matrix in served.statistics.items()
    }
    return replace(served, statistics=statistics, items=replace(served.items, categories=CATEGORIES))


def read_bytes(served):
    """Of each array of a head that is read by row."""
    arrays = {"events": served.users.sequences.items, "features": served.items.catalogue.features}
    return {name: array.read_bytes for name, array in arrays.items()}


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("history", HISTORIES, ids=["none", "one", "many"])
def test_gives_the_lists_of_the_same_head_in_memory(store, history, repeats, monkeypatch):
    served = world(repeats=repeats)
    served.write(store)
    assert LARGE in store.open(RECORD).facts
    for query in (
        ListQuery(k=40),
        ListQuery(k=10, moment=LAST + 60, reasons=True),
        ListQuery(k=10, diversity=0.5),
        ListQuery(k=10, basket=min(2, len(history))),
    ):
        touched, whole = (opened(head, monkeypatch).recommend(history, query) for head in (open_served(store), served))
        scores = {each.item: each for each in opened(served, monkeypatch).recommend(history, replace(query, k=40))}
        assert len(touched) == len(whole)
        assert touched[0].score == pytest.approx(whole[0].score, abs=0.03)
        for each in touched:  # vectors are rounded to eight bits where they are looked up
            assert each.score == pytest.approx(scores[each.item].score, abs=0.03)
            assert dict(each.history) == pytest.approx(dict(scores[each.item].history), abs=0.05)


def test_a_smaller_record_is_read_at_once_and_gives_the_same_lists(store, monkeypatch):
    world().write(store)
    by_row = open_served(store)
    monkeypatch.setattr("client.recommender.served_head._HELD_UP_TO", 1_000_000_000)
    held = open_served(store)
    assert held.items.catalogue.features.read_bytes >= held.items.catalogue.features.nbytes
    for history in HISTORIES:
        lists = [opened(head, monkeypatch).recommend(history, ListQuery(k=10)) for head in (by_row, held)]
        assert lists[0] == lists[1]


def test_works_nothing_out_when_it_is_opened(store, monkeypatch):
    world().write(store)
    monkeypatch.setattr(KeptEncoder, "model", None)
    monkeypatch.setattr("client.recommender.search_index._centres", None)
    monkeypatch.setattr("shared.encoder.encoder.map_on", None)
    head = open_served(store)
    assert isinstance(head.items.catalogue.features, StoredRows)
    assert read_bytes(head) == {"events": 0, "features": 0}
    recommender = opened(head, monkeypatch)
    assert recommender.recommend(recommender.history_of(head.users.user_ids[3]), ListQuery(k=3))
    assert read_bytes(head)["events"] > 0


def test_keeps_ids_texts_categories_histories_and_its_name(store, monkeypatch):
    served = world()
    served.write(store)
    whole, touched = read_served(store), open_served(store)
    assert isinstance(touched.items.item_ids, StoredIds)
    for head in (whole, touched):
        assert tuple(head.items.item_ids) == served.items.item_ids
        assert tuple(head.items.texts) == served.items.texts
        assert tuple(head.items.categories) == CATEGORIES
        assert tuple(head.users.user_ids) == served.users.user_ids
        rows = rows_of_texts(head.items.categories)
        assert {text: list(found) for text, found in rows.items()} == {
            text: [row for row in range(40) if CATEGORIES[row] == text] for text in "abc"
        }
        assert IdForm.of(head) == IdForm.of(served)
    recommenders = [opened(head, monkeypatch) for head in (served, touched)]
    for user in served.users.user_ids:
        assert np.array_equal(*(each.history_of(user) for each in recommenders))
        assert np.array_equal(*(each.times_of(user) for each in recommenders))
    assert head_name(open_served(store)) == head_name(touched)


def items_like(served):
    """A new one, one that gets another text, and one more that is new."""
    texts = served.items.texts
    return [
        NewItem(item_id="new", text=texts[5], category="b"),
        NewItem(item_id=served.items.item_ids[3], text=texts[8]),
        NewItem(item_id="newer", text=texts[7], category="z"),
    ]


def test_takes_new_items_nearly_as_a_head_in_memory_does(store, monkeypatch):
    """The linear parts and the idf stay those of the fit."""
    served = world()
    served.write(store)
    heads = [with_items(head, items_like(served)) for head in (served, open_served(store))]
    whole, touched = (head.items for head in heads)
    assert tuple(touched.item_ids) == whole.item_ids
    assert tuple(touched.texts) == whole.texts
    assert tuple(touched.categories) == whole.categories
    assert np.allclose(np.asarray(touched.catalogue.features), whole.catalogue.features)
    near = np.asarray(touched.catalogue.neighbours.cosines)
    assert np.allclose(near, whole.catalogue.neighbours.cosines[:, : near.shape[1]], atol=1e-6)
    rows = np.arange(42)
    owners, grams, values = entries_of(touched.gram_weights, rows)
    assert np.allclose(
        sp.csr_array((values, (owners, grams)), shape=whole.gram_weights.shape).toarray(),
        whole.gram_weights.toarray(),
    )
    found = {text: list(of_text) for text, of_text in rows_of_texts(touched.categories).items()}
    assert (found["b"], found["z"]) == ([1, 5, 9, 13, 17, 21, 25, 29, 33, 37, 40], [41])
    assert found["a"] == [row for row in range(40) if CATEGORIES[row] == "a"]
    assert [row_of_each(touched.item_ids)[item] for item in whole.item_ids] == list(rows)
    assert "newest" not in row_of_each(touched.item_ids)
    recommenders = [opened(head, monkeypatch) for head in heads]
    for history in HISTORIES:
        exact, near = (each.recommend(history, ListQuery(k=42)) for each in recommenders)
        scores = {each.item: each.score for each in exact}
        assert scores.keys() == {each.item for each in near}
        assert np.mean([abs(each.score - scores[each.item]) for each in near]) < 0.1


def test_items_that_come_one_by_one_are_as_those_that_come_together(store, monkeypatch):
    served = world()
    served.write(store)
    together = with_items(open_served(store), items_like(served))
    in_turn = open_served(store)
    for item in items_like(served):
        in_turn = with_items(in_turn, [item])
    lists = [
        [opened(head, monkeypatch).recommend(history, ListQuery(k=42)) for history in HISTORIES]
        for head in (together, in_turn)
    ]
    for each, other in zip(*lists, strict=True):
        assert [item.item for item in each] == [item.item for item in other]
        assert [item.score for item in each] == pytest.approx([item.score for item in other], abs=1e-3)


def test_takes_new_items_without_reading_the_catalogue_into_memory(store):
    served = world()
    served.write(store)
    head = open_served(store)
    with_items(head, items_like(served))
    assert read_bytes(head) == {"events": 0, "features": 0}


def test_forgets_users_of_a_record(store):
    served = world()
    served.write(store)
    gone = set(served.users.user_ids[:2])
    for head in (read_served(store), open_served(store)):
        remaining = head.users.without(gone)
        assert tuple(remaining.user_ids) == served.users.user_ids[2:]
        assert np.array_equal(remaining.sequences.items, served.users.without(gone).sequences.items)


def test_forgetting_in_the_record_leaves_all_else_as_it_lies_there(store, monkeypatch):
    served = world()
    served.write(store)
    before, gone = store.read(RECORD), served.users.user_ids[2]
    monkeypatch.setattr("client.recommender.served_head.searches_of", None)
    assert forget_users(store, {gone, "nobody"}) == len(Recommender.of(served).history_of(gone))
    after, users = store.read(RECORD), read_served(store).users
    assert after.facts == before.facts
    assert gone not in users.user_ids
    assert len(users.user_ids) == len(served.users.user_ids) - 1
    others = [name for name in before.arrays if not name.startswith(("users.", "events."))]
    assert len(others) > 30
    assert all(np.array_equal(before.arrays[name], after.arrays[name]) for name in others)
    stamp = store.stamp(RECORD)
    assert forget_users(store, {gone}) == 0
    assert store.stamp(RECORD) == stamp


def test_a_damaged_part_is_noticed_when_it_is_touched(store, tmp_path, monkeypatch):
    world().write(store)
    path = tmp_path / "vault" / "served.sealed"
    place = store.open(RECORD).places["events.items"]
    content = bytearray(path.read_bytes())
    header = content.index(b"\n") + 1
    content[header + (place.start // 64 + 1) * 80] ^= 1
    path.write_bytes(content)
    recommender = opened(open_served(store), monkeypatch)
    with pytest.raises(VaultError, match="'served' is damaged"):
        [recommender.history_of(user) for user in recommender.users.user_ids]


@pytest.mark.parametrize("same", [False, True])
def test_ids_are_found_by_their_hash_and_told_apart_where_two_have_one(same, monkeypatch):
    if same:
        monkeypatch.setattr("client.recommender.stored_texts._hash", lambda _key: np.uint64(7))
    ids = ("b", "a", "", "ü\ud800", "10")
    content = [each.encode("utf-8", "surrogatepass") for each in ids]
    offsets = np.cumsum([0, *map(len, content)])
    stored = StoredIds((np.frombuffer(b"".join(content), np.uint8), offsets), id_index(ids), whole_numbers=False)
    rows = row_of_each(stored)
    assert dict(rows) == {each: row for row, each in enumerate(ids)}
    assert ("c" in rows, rows.get(10), {"a", "c"} & rows.keys(), {"a", "c"} - rows.keys()) == (
        False,
        None,
        {"a"},
        {"c"},
    )
    assert (stored[-1], stored[1:3], list(stored)) == ("10", ("a", ""), list(ids))
    with pytest.raises(IndexError):
        StoredTexts(np.zeros(0, np.uint8), np.zeros(1, np.int64))[0]
