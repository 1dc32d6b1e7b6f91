"""Lists know every user of a folder, whoever was fitted on, and every item that is described."""

import numpy as np
import polars as pl
import pytest

from client.data.folder_options import Preparation
from client.data.listed import listed
from client.data.preparation import prepare
from client.data.source import read_folder
from tests.unit.client.data.clicks import click_folder
from tests.unit.client.data.folders import BEGIN, write_folder

FITTED = {f"u{user}": [f"i{(user + step) % 6}" for step in range(4)] for user in range(12)}
"""Users with four events each on six items."""


SHELF = {f"i{item}": f"text of i{item}" for item in range(6)}


def opened(path, met, *, shelf=SHELF, ratings=None, vectors=None, by_vector=False, **options):
    """The platform of these events, in time order, and what lists know beyond it; ``ratings`` by user and item."""
    rows = [(user, item) for user, some in met.items() for item in some]
    events = pl.DataFrame(rows, schema=["user_id", "item_id"], orient="row").with_columns(
        timestamp=pl.Series(BEGIN + np.arange(len(rows))),
        rating=pl.Series([(ratings or {}).get(row, 5.0) for row in rows]),
    )
    write_folder(path, items=pl.DataFrame({"item_id": list(shelf), "text": list(shelf.values())}), events=events)
    if vectors is not None:
        np.save(path / "item_vectors.npy", vectors)
    folder, preparation = read_folder(path), Preparation(**options)
    platform = prepare(folder, preparation, name="shop", seed=0)
    return platform, listed(folder, preparation, platform, by_vector=by_vector, seed=0)


def histories(platform, found):
    """User to the ids of what they met, oldest first."""
    catalogue = [*platform.item_ids, *found.items.item_ids]
    offsets = found.sequences.offsets
    return {
        user: [catalogue[row] for row in found.sequences.items[offsets[place] : offsets[place + 1]]]
        for place, user in enumerate(found.user_ids)
    }


def test_knows_who_has_too_few_events_to_be_fitted_on(tmp_path):
    few = {"one": ["i3"], "two": ["i5", "i0"]}
    platform, found = opened(tmp_path, {**FITTED, **few})
    assert not set(few) & set(platform.user_ids)
    assert histories(platform, found) == {**FITTED, **few}


@pytest.mark.parametrize("cut", [{"max_users": 5}, {"users": (0, 40)}, {"min_user_events": 4}])
def test_knows_whom_an_option_leaves_out(tmp_path, cut):
    met = {**FITTED, "few": ["i2", "i1", "i0"]}
    platform, found = opened(tmp_path, met, **cut)
    assert platform.n_users < len(met)
    assert histories(platform, found) == met


def test_keeps_the_histories_of_those_who_were_prepared_as_they_were(tmp_path):
    platform, found = opened(tmp_path, {**FITTED, "one": ["i3"]})
    places = [found.user_ids.index(user) for user in platform.user_ids]
    for row, place in enumerate(places):
        expected, known = (
            sequences.items[sequences.offsets[at] : sequences.offsets[at + 1]]
            for sequences, at in ((platform.sequences, row), (found.sequences, place))
        )
        np.testing.assert_array_equal(known, expected)
    assert found.items.item_ids == ()


@pytest.mark.parametrize("cut", [{"time": (0, 60)}, {"time": (0, 90)}])
def test_knows_what_was_met_after_the_time_that_is_fitted_on(tmp_path, cut):
    platform, found = opened(tmp_path, {**FITTED, "one": ["i3"]}, **cut)
    assert platform.sequences.offsets[-1] < sum(map(len, FITTED.values()))
    known = histories(platform, found)
    assert {user: sorted(some) for user, some in known.items()} == {
        **{user: sorted(some) for user, some in FITTED.items()},
        "one": ["i3"],
    }


def test_knows_the_clicks_that_are_held_out_of_a_fit(tmp_path):
    click_folder(tmp_path)
    folder, preparation = read_folder(tmp_path), Preparation(protocol="position")
    platform = prepare(folder, preparation, name="news", seed=0)
    found = listed(folder, preparation, platform, by_vector=False, seed=0)
    met = folder.events.unique(["user_id", "item_id"]).group_by("user_id").len().rows()
    assert platform.sequences.offsets[-1] < sum(number for user, number in met if str(user) in platform.user_ids)
    known = histories(platform, found)
    assert {user: len(some) for user, some in known.items()} == {str(user): number for user, number in met}


def test_knows_a_user_of_whose_items_none_is_listed_with_an_empty_history(tmp_path):
    shelf = {**SHELF, "bare": ""}
    platform, found = opened(tmp_path, {**FITTED, "elsewhere": ["bare"]}, shelf=shelf, min_item_events=2)
    assert histories(platform, found)["elsewhere"] == []
    assert found.items.item_ids == ()


def test_counts_a_repeat_of_a_user_who_is_left_out_as_the_platform_does(tmp_path):
    met = {**FITTED, "again": ["i1", "i1"]}
    for repeats, expected in (("keep", ["i1", "i1"]), ("first", ["i1"])):
        platform, found = opened(tmp_path / repeats, met, repeats=repeats)
        assert histories(platform, found)["again"] == expected


def test_lists_a_described_item_that_nobody_has_met(tmp_path):
    platform, found = opened(tmp_path, FITTED, shelf={"new": "text of new", **SHELF, "newer": "text of newer"})
    assert (found.items.item_ids, found.items.texts) == (("new", "newer"), ("text of new", "text of newer"))
    assert platform.item_ids == tuple(SHELF)


def test_lists_an_item_under_its_minimum_of_events_and_knows_in_its_place_who_has_met_it(tmp_path):
    met = {**FITTED, "u0": ["i0", "rare", "i1", "i2", "i3"], "one": ["rare"]}
    platform, found = opened(tmp_path, met, shelf={**SHELF, "rare": "a rare text"}, min_item_events=3)
    assert found.items.item_ids == ("rare",)
    assert histories(platform, found) == met


def test_knows_without_an_order_what_was_met_of_an_item_that_joins(tmp_path):
    met = {**FITTED, "u0": ["i0", "rare", "i1", "i2", "i3"], "one": ["rare", "i4"]}
    shelf = {**SHELF, "rare": "a rare text"}
    platform, found = opened(tmp_path, met, shelf=shelf, min_item_events=3, ordered=False)
    known = histories(platform, found)
    assert {user: sorted(some) for user, some in known.items()} == {user: sorted(some) for user, some in met.items()}


def test_lists_no_item_without_a_text(tmp_path):
    _, found = opened(tmp_path, FITTED, shelf={**SHELF, "empty": "", "blank": " \t"})
    assert found.items.item_ids == ()


def test_lists_no_item_of_which_every_event_is_rated_too_low(tmp_path):
    met = {**FITTED, "u0": [*FITTED["u0"], "bad", "mixed"], "u1": [*FITTED["u1"], "mixed"]}
    ratings = {("u0", "bad"): 1.0, ("u0", "mixed"): 1.0}
    shelf = {**SHELF, "bad": "a bad one", "mixed": "one that some like"}
    platform, found = opened(tmp_path, met, shelf=shelf, ratings=ratings, min_rating=4.0, min_item_events=2)
    assert found.items.item_ids == ("mixed",)
    assert histories(platform, found)["u0"] == FITTED["u0"]


def test_lists_no_item_that_the_range_of_items_cuts(tmp_path):
    shelf = {**SHELF, **{f"new{number}": f"text {number}" for number in range(200)}}
    parts = [set(opened(tmp_path, FITTED, shelf=shelf, items=part)[1].items.item_ids) for part in ((0, 60), (60, 100))]
    assert not parts[0] & parts[1]
    assert parts[0] | parts[1] == shelf.keys() - SHELF.keys()


def test_takes_a_vector_for_a_description_where_items_are_known_by_vectors(tmp_path):
    shelf = {**SHELF, "seen": "", "unseen": ""}
    vectors = np.vstack([np.ones((7, 2)), np.zeros((1, 2))])
    _, found = opened(tmp_path, FITTED, shelf=shelf, vectors=vectors, by_vector=True)
    assert found.items.item_ids == ("seen",)
    assert found.items.vectors.tolist() == [[1.0, 1.0]]
    _, found = opened(tmp_path, FITTED, shelf=shelf, vectors=vectors)
    assert found.items.item_ids == ()
