"""A catalogue grown while it serves gives the lists that one fitted with the items from the start would give."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from client.data.listed import AddedItems
from client.features.hashing import hash_texts
from client.features.prepared_platform import nearest, nearest_after
from client.recommender.catalogue_update import NewItem, with_added, with_items
from client.recommender.recommender import ListQuery, Recommender
from client.recommender.request_ensemble import Past
from client.scorers.age import PUBLISHED
from shared.errors import InvalidRequest
from tests.small_space import SPACE
from tests.unit.client.recommender.served_world import LAST, served_world

HISTORY = np.array([10, 11, 12], np.int32)
NEW = NewItem(item_id="new", text="group2 item11 item12", category="kind9")


def drawn(n, seed):
    vectors = np.random.default_rng(seed).normal(size=(n, 16)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_finds_the_same_neighbours_of_added_items_as_from_the_start():
    features = drawn(300, 1)
    expected = nearest(features, 20)
    found = nearest_after(nearest(features[:290], 20), features, np.arange(290, 300))
    np.testing.assert_array_equal(found.items, expected.items)
    np.testing.assert_allclose(found.cosines, expected.cosines, atol=1e-6)


def test_finds_the_same_neighbours_block_by_block(monkeypatch):
    features, changed = drawn(300, 1), np.arange(80, 300)
    before, whole = nearest(features[:80], 20), nearest(features, 20)
    monkeypatch.setattr("client.features.prepared_platform._BLOCK_ELEMENTS", 300 * 7)
    found = nearest_after(before, features, changed)
    np.testing.assert_array_equal(found.items, whole.items)
    np.testing.assert_allclose(found.cosines, whole.cosines, atol=1e-6)


def test_finds_the_neighbours_of_a_changed_item_and_who_now_has_it():
    features = drawn(300, 1)
    before = nearest(features, 20)
    features[7] = features[200] + 0.01
    features[7] /= np.linalg.norm(features[7])
    found, expected = nearest_after(before, features, np.array([7])), nearest(features, 20)
    np.testing.assert_array_equal(found.items[7], expected.items[7])
    assert found.items[200, 0] == 7
    same = found.items == expected.items
    assert same.mean() > 0.99
    assert np.isfinite(found.cosines).all()


def test_recommends_a_new_item_at_once_to_a_history_that_is_like_it():
    recommender = Recommender.of(with_items(served_world(), [NEW]))
    answers = recommender.recommend(HISTORY, ListQuery(k=41))
    places = [recommender.items.item_ids[one.item] for one in answers].index("new")
    scorers = dict(answers[places].scorers)
    assert places < 20
    assert scorers["content-knn@1"] > 0
    assert scorers["received:linear"] != 0
    assert recommender.items.categories[40] == "kind9"


def test_leaves_raw_scores_of_the_items_before_as_they_were():
    served = served_world()
    before, after = Recommender.of(served), Recommender.of(with_items(served, [NEW]))
    raw, grown = before.whole._raw(Past(items=HISTORY)), after.whole._raw(Past(items=HISTORY))
    # content-idf moves with the catalogue's idf; what reaches new items through neighbours moves too
    steady = [row for row, name in enumerate(before.whole.names) if not name.startswith(("content-idf", "popularity@"))]
    assert len(steady) > 15
    kept = [row for row in steady if "kernel" not in before.whole.names[row] and "diff" not in before.whole.names[row]]
    torch.testing.assert_close(grown[kept][:, :40], raw[kept])


def test_counts_no_event_of_a_new_item():
    after = Recommender.of(with_items(served_world(), [NEW]))
    raw = after.whole._raw(Past(items=HISTORY))
    for name in ("popularity", "item-knn@1", "transition@0.6", "ease"):
        assert raw[after.whole.names.index(name), 40] == 0
    assert raw[after.whole.names.index("popularity@neighbours"), 40] > 0


def test_gives_an_item_that_is_there_its_new_text_and_keeps_its_counts():
    served = served_world()
    changed = with_items(served, [NewItem(item_id="30", text="group2 item11", category="other")])
    assert changed.items.item_ids == served.items.item_ids
    assert (changed.items.texts[30], changed.items.categories[30]) == ("group2 item11", "other")
    np.testing.assert_array_equal(changed.items.catalogue.features[30], hash_texts(["group2 item11"], SPACE.dim)[0])
    np.testing.assert_array_equal(changed.statistics["popularity"], served.statistics["popularity"])


def test_keeps_the_category_of_an_item_where_none_is_given():
    served = served_world()
    changed = with_items(served, [NewItem(item_id="30", text="group2"), NEW, replace(NEW, category="", text="another")])
    assert changed.items.categories == (*served.items.categories, "kind9")
    without = with_items(replace(served, items=replace(served.items, categories=None)), [replace(NEW, category="")])
    assert without.items.categories is None


def test_takes_the_last_of_two_versions_of_an_item():
    twice = with_items(served_world(), [NEW, replace(NEW, text="another")])
    assert (twice.items.item_ids[40:], twice.items.texts[40:]) == (("new",), ("another",))


def test_keeps_what_was_counted_sparse_where_most_items_are_new(monkeypatch):
    many = [replace(NEW, item_id=f"new{number}", text=f"group2 item{number}") for number in range(60)]
    sparse = with_items(served_world(), many)
    monkeypatch.setattr("client.recommender.catalogue_update._SPARSE_ENTRY", np.inf)
    dense = with_items(served_world(), many)
    kinds = [type(one.statistics["ease@100"]) for one in (sparse, dense)]
    assert kinds == [sp.csr_array, np.ndarray]
    lists = [Recommender.of(one).recommend(HISTORY, ListQuery(k=50)) for one in (sparse, dense)]
    assert [one.item for one in lists[0]] == [one.item for one in lists[1]]
    assert [one.score for one in lists[0]] == pytest.approx([one.score for one in lists[1]], abs=1e-4)


def test_refuses_a_vector_where_texts_are_read():
    with pytest.raises(InvalidRequest, match="must have 0 numbers here; got 2"):
        with_items(served_world(), [replace(NEW, vector=(0.5, 0.5))])


def test_a_new_item_is_as_old_as_its_table_says_and_others_stay_as_they_were():
    served = served_world(timed=True)
    added = AddedItems(
        item_ids=("7", "new", "other"), texts=("a", "b", "c"), published=np.array([np.nan, LAST, np.nan])
    )
    known = replace(served, statistics={**served.statistics, PUBLISHED: np.arange(40.0)})
    grown = with_added(known, added).statistics[PUBLISHED]
    np.testing.assert_array_equal(grown, [*range(40), LAST, 0])
    assert with_items(known, [NewItem(item_id="new", text="b")]).statistics[PUBLISHED][40] == 0


def test_a_record_of_before_items_could_say_it_takes_when_one_was_published():
    served = served_world(timed=True)
    before = replace(served, statistics={name: one for name, one in served.statistics.items() if name != PUBLISHED})
    items = [NewItem(item_id="new", text="b", published=LAST), NewItem(item_id="3", text="c", published=LAST - 9)]
    grown = with_items(before, items)
    expected = np.zeros(41)
    expected[[40, 3]] = LAST, LAST - 9
    np.testing.assert_array_equal(grown.statistics[PUBLISHED], expected)
    assert PUBLISHED not in with_items(served_world(), items).statistics
