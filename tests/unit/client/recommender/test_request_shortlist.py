"""Lists of a large catalogue: those of the whole one where shortlists reach all of it, and as long in any case."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from client.ensemble.ensemble import RawEnsemble
from client.ensemble.ensemble_settings import DEFAULT, ShortlistSettings
from client.recommender.catalogue_update import NewItem, with_items
from client.recommender.recommender import NO_HISTORY, ListQuery, Recommender
from client.recommender.request_shortlist import RequestShortlist
from client.recommender.search_index import SearchIndex
from client.scorers.scorer import LooksUp
from tests.unit.client.recommender.served_world import LAST, served_world

HISTORIES = [NO_HISTORY, np.array([7], np.int32), np.array([3, 4, 5, 30, 4], np.int32)]
LARGE = replace(DEFAULT, shortlist=ShortlistSettings(whole_up_to=0))
FEW = replace(DEFAULT, shortlist=ShortlistSettings(whole_up_to=0, offers=3, sample=8))


def opened(served, monkeypatch, settings=LARGE):
    """The recommender as of a catalogue that is too large to be scored whole."""
    with monkeypatch.context() as patch:
        patch.setattr(RawEnsemble, "__init__", with_settings(RawEnsemble.__init__, settings))
        recommender = Recommender.of(served)
    assert isinstance(recommender.whole, RequestShortlist)
    return recommender


def with_settings(made, settings):
    def make(self, **fields):
        made(self, **{**fields, "settings": settings})

    return make


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("history", HISTORIES, ids=["none", "one", "many"])
@pytest.mark.parametrize("moment", [None, LAST + 60], ids=["now", "moment"])
def test_lists_what_the_whole_catalogue_does(history, repeats, moment, monkeypatch):
    served = served_world(timed=True, repeats=repeats, baskets=True)
    for query in (ListQuery(k=40, moment=moment), ListQuery(k=40, moment=moment, basket=min(2, len(history)))):
        whole, short = (one.recommend(history, query) for one in (Recommender.of(served), opened(served, monkeypatch)))
        scores = {one.item: one.score for one in whole}
        assert {one.item for one in short} == scores.keys()
        for one in short:
            assert one.score == pytest.approx(scores[one.item], abs=0.02)
            assert sum(part for _, part in one.scorers) == pytest.approx(one.score, abs=1e-4)


@pytest.mark.parametrize("k", [1, 10, 40])
@pytest.mark.parametrize("diversity", [0.0, 0.5])
def test_a_list_is_as_long_as_that_of_the_whole_catalogue(k, diversity, monkeypatch):
    served, rng = served_world(), np.random.default_rng(0)
    whole, short = Recommender.of(served), opened(served, monkeypatch, FEW)
    for share in (0.0, 0.1, 0.5, 1.0):
        query = ListQuery(k=k, diversity=diversity, allowed=rng.random(40) <= share)
        for history in HISTORIES:
            expected, found = (one.recommend(history, query) for one in (whole, short))
            assert len(found) == len(expected)
            assert all(query.allowed[one.item] for one in found)


def test_many_that_are_allowed_are_searched_among_for_the_best(monkeypatch):
    monkeypatch.setattr("client.recommender.request_shortlist._DIRECTLY", 0)
    served, allowed = served_world(), np.arange(40) % 2 == 0
    recommender = opened(served, monkeypatch, FEW)
    for history in HISTORIES:
        expected = Recommender.of(served).recommend(history, ListQuery(k=3, allowed=allowed))
        found = recommender.recommend(history, ListQuery(k=3, allowed=allowed))
        assert found[0].item == expected[0].item
        assert len(found) == 3


def test_a_reason_is_how_far_the_score_falls_without_the_event(monkeypatch):
    served, query, history = served_world(), ListQuery(k=5, reasons=True), HISTORIES[2][:4]
    whole, short = (one.recommend(history, query) for one in (Recommender.of(served), opened(served, monkeypatch)))
    expected = {one.item: dict(one.history) for one in whole}
    for one in short:
        for row, fall in one.history:
            assert fall == pytest.approx(expected[one.item][row], abs=0.05)


def test_no_scorer_is_looked_up_by_scoring_the_catalogue(monkeypatch):
    recommender = opened(served_world(timed=True, repeats=True, baskets=True), monkeypatch)
    scorers = [one for ensemble in (recommender.whole, recommender.basket) for one in ensemble.scorers]
    assert all(isinstance(one, LooksUp) or type(one).__name__ == "Sequence" for one in scorers)


def test_a_search_finds_nearly_all_of_the_largest_products_and_nothing_that_is_hidden():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(60, 16))
    vectors = (centres[rng.integers(60, size=20_000)] + 0.3 * rng.normal(size=(20_000, 16))).astype(np.float32)
    index, hidden, shares = SearchIndex.of(vectors), rng.random(20_000) < 0.2, []
    for query in torch.from_numpy(rng.normal(size=(50, 16)).astype(np.float32)):
        products = vectors @ query.numpy()
        best = np.argsort(-np.where(hidden, -np.inf, products))[:30]
        found = index.best(query, 30, lambda items: hidden[items])
        assert not hidden[found].any()
        shares.append(len(np.intersect1d(best, found)) / 30)
        some = rng.integers(20_000, size=9)
        assert np.allclose(index.products(query, some).numpy(), products[some], atol=0.02)
    assert np.mean(shares) >= 0.95


@pytest.mark.parametrize(("fresh", "shows"), [(0.0, True), (1e9, False)])
def test_what_is_met_shows_for_everybody_once_it_is_time(fresh, shows, monkeypatch):
    monkeypatch.setattr("client.scorers.fading.WHOLE_UP_TO", 0)
    monkeypatch.setattr("client.scorers.fading._FRESH", fresh)
    recommender, query = opened(served_world(timed=True), monkeypatch), ListQuery(k=40)
    (before,) = (one.score for one in recommender.recommend(NO_HISTORY, query) if one.item == 39)
    recommender.count(np.full(50, 39, np.int32), np.full(50, LAST + 60.0))
    (after,) = (one.score for one in recommender.recommend(NO_HISTORY, query) if one.item == 39)
    assert (after > before) == shows


def test_a_catalogue_that_grows_keeps_its_cells(monkeypatch):
    served = served_world()
    before = opened(served, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(RawEnsemble, "__init__", with_settings(RawEnsemble.__init__, LARGE))
        grown = Recommender.of(with_items(served, [NewItem(item_id="new", text=served.items.texts[5])]), before)
    for name, search in before.searches.items():
        assert grown.searches[name].index.centres is search.index.centres
        assert len(grown.searches[name].index.rows) == 41
    assert 40 in {one.item for one in grown.recommend(HISTORIES[2], ListQuery(k=41))}
