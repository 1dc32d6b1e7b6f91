"""One request's calibrated log-likelihood ratios are the ensemble's own, and lists keep to their query."""

from copy import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from client.data.sequences import Sequences
from client.ensemble.gaps import Gaps
from client.evaluation.beyond_accuracy import intra_list_diversity
from client.recommender.recommender import NO_HISTORY, Asked, ListQuery, Recommender
from client.recommender.request_ensemble import PackedVectors, Past
from client.recommender.served_head import served_ensembles
from tests.unit.client.recommender.served_world import LAST, served_world

HISTORIES = [NO_HISTORY, np.array([7], np.int32), np.array([3, 4, 5, 30, 4], np.int32)]
WITH = Past(items=HISTORIES[2], together=2)
WITHOUT = Past(items=np.delete(HISTORIES[2], 3), together=1)


@pytest.fixture(scope="module")
def recommender():
    return Recommender.of(served_world())


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("history", HISTORIES, ids=["none", "one", "many"])
def test_lifts_as_the_ensemble_does(history, repeats):
    served = served_world(repeats=repeats)
    require_alike(served_ensembles(served).whole, Recommender.of(served).whole, Past(items=history))


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("size", [1, 3])
def test_lifts_a_basket_as_the_ensemble_does(size, repeats):
    served = served_world(repeats=repeats, baskets=True)
    assert {"basket-pairs", "basket-content"} <= set(served.basket.head.names)
    require_alike(
        served_ensembles(served).basket, Recommender.of(served).basket, Past(items=HISTORIES[2], together=size)
    )


def require_alike(whole, ensemble, past):
    one = past.as_sequences()
    allowed = whole.ensemble.raw.candidates(one)
    expected = whole.ensemble.log_ratios(whole.ensemble.raw.view(one, one))[:, 0]
    found = ensemble.log_ratios(past)
    assert found.shape == (len(whole.ensemble.names), 40)
    found = found[[ensemble.names.index(name) for name in whole.ensemble.names]]
    products = [
        name.startswith(("content-knn", "basket-content")) or name.endswith("linear") for name in whole.ensemble.names
    ]
    for rows, nats in ((products, 0.01), ([not one for one in products], 2e-4)):
        torch.testing.assert_close(found[rows][:, allowed[0]], expected[rows][:, allowed[0]], atol=nats, rtol=1e-4)


def test_leaves_out_what_is_not_allowed(recommender):
    allowed = np.zeros(40, bool)
    allowed[[1, 7, 30]] = True
    answers = recommender.recommend(HISTORIES[1], ListQuery(k=10, allowed=allowed))
    assert {one.item for one in answers} == {1, 30}


@pytest.mark.parametrize("repeats", [False, True])
def test_lists_nothing_of_the_basket_even_where_nothing_else_is_wished(repeats):
    recommender = Recommender.of(served_world(repeats=repeats, baskets=True))
    history, query = HISTORIES[2], ListQuery(k=40, basket=2)
    found = {one.item for one in recommender.recommend(history, query)}
    assert found == set(range(40)) - ({30, 4} if repeats else set(history.tolist()))
    assert not recommender.recommend(history, replace(query, allowed=np.isin(np.arange(40), [30, 4])))


def test_says_what_a_list_rests_on(recommender):
    completing = Recommender.of(served_world(baskets=True))
    history = HISTORIES[1]
    assert completing.basis(history, ListQuery(k=5, basket=1)) == "basket"
    assert (
        completing.basis(history, ListQuery(k=5)) == recommender.basis(history, ListQuery(k=5, basket=1)) == "history"
    )
    assert completing.basis(NO_HISTORY, ListQuery(k=5)) == "popularity"


def test_says_how_far_a_score_falls_without_an_item_of_the_basket():
    completing = Recommender.of(served_world(baskets=True))
    (first, *_) = completing.recommend(HISTORIES[2], ListQuery(k=1, basket=2, reasons=True))
    ensemble = completing.basket
    scores = [float((ensemble.weights(one) @ ensemble.log_ratios(one))[first.item]) for one in (WITH, WITHOUT)]
    falls = dict(first.history)
    assert falls[30] == pytest.approx(scores[0] - scores[1], abs=1e-3)


def test_falls_back_on_items_of_the_history_rather_than_answer_nothing(recommender):
    allowed = np.zeros(40, bool)
    allowed[[4, 5]] = True
    answers = recommender.recommend(HISTORIES[2], ListQuery(k=10, allowed=allowed))
    assert {one.item for one in answers} == {4, 5}


def test_has_nothing_to_say_where_nothing_is_allowed(recommender):
    assert recommender.recommend(HISTORIES[1], ListQuery(k=10, allowed=np.zeros(40, bool))) == []


def test_makes_lists_as_long_as_asked_for_of_items_that_are_less_alike(recommender):
    plain, diverse = (recommender.recommend(HISTORIES[2], ListQuery(k=15, diversity=value)) for value in (0.0, 0.7))
    rows = np.array([[one.item for one in answers] for answers in (plain, diverse)])
    assert rows.shape == (2, 15)
    assert rows[0, 0] == rows[1, 0]
    kept = intra_list_diversity(rows, recommender.items.catalogue.features)
    assert kept[1] > kept[0]


def test_tells_the_scores_of_a_diverse_list_as_they_are(recommender):
    plain = {one.item: one.score for one in recommender.recommend(HISTORIES[2], ListQuery(k=40))}
    for one in recommender.recommend(HISTORIES[2], ListQuery(k=15, diversity=0.7)):
        assert one.score == plain[one.item]


def test_gives_no_part_of_the_history_unless_asked(recommender):
    assert all(one.history == () for one in recommender.recommend(HISTORIES[2], ListQuery(k=3)))
    told = recommender.recommend(HISTORIES[2], ListQuery(k=3, reasons=True))
    assert all({row for row, _ in one.history} == {3, 4, 5, 30} for one in told)


def without_a_number_at(served, item):
    """The head, whose scorer of popularity has no number for an item."""
    popularity = served.statistics["popularity"].copy()
    popularity[item] = np.nan
    return replace(served, statistics={**served.statistics, "popularity": popularity})


def test_a_scorer_without_a_number_for_an_item_takes_no_other_item_with_it():
    served = served_world()
    found = Recommender.of(without_a_number_at(served, 20)).whole.log_ratios(Past(items=HISTORIES[1]))
    row = Recommender.of(served).whole.names.index("popularity")
    assert found.isfinite().all()
    others = np.delete(found[row].numpy(), HISTORIES[1])
    assert found[row, 20] == others.min() < others.max()


@pytest.mark.parametrize("history", HISTORIES, ids=["none", "one", "many"])
def test_lifts_an_item_without_a_number_as_the_ensemble_does(history):
    served = without_a_number_at(served_world(), 20)
    whole, recommender = served_ensembles(served).whole, Recommender.of(served)
    one = Sequences(offsets=np.array([0, len(history)]), items=history)
    expected = whole.ensemble.log_ratios(whole.ensemble.raw.view(one, one))[whole.ensemble.names.index("popularity"), 0]
    found = recommender.whole.log_ratios(Past(items=history))[recommender.whole.names.index("popularity")]
    torch.testing.assert_close(found[19:22], expected[19:22], atol=2e-4, rtol=1e-4)


def with_log_ratios(recommender, row):
    """The recommender, whose ensemble says the same of every column, whatever the history."""
    ensemble = copy(recommender.whole)
    ensemble.log_ratios = lambda *_: row.expand(len(ensemble.names), -1).clone()
    return replace(recommender, whole=ensemble)


@pytest.mark.parametrize("diversity", [0.0, 1e-6])
def test_lists_equal_items_in_the_order_of_the_catalogue(recommender, diversity):
    log_ratios = torch.zeros(40)
    log_ratios[[30, 20]] = 1.0
    answers = with_log_ratios(recommender, log_ratios).recommend(HISTORIES[1], ListQuery(k=6, diversity=diversity))
    assert [one.item for one in answers][:2] == [20, 30]
    assert diversity or [one.item for one in answers][2:] == [0, 1, 2, 3]


@pytest.mark.parametrize("diversity", [0.0, 0.5])
def test_lists_an_item_whose_score_is_no_number_last_and_tells_a_number(recommender, diversity):
    log_ratios = torch.zeros(40)
    log_ratios[3] = torch.nan
    answers = with_log_ratios(recommender, log_ratios).recommend(HISTORIES[1], ListQuery(k=40, diversity=diversity))
    assert (len(answers), answers[-1].item) == (39, 3)
    assert np.isfinite([one.score for one in answers]).all()


DAY = 86_400.0
GAPS = Gaps(edges=(DAY, 30 * DAY))


def shifting_world():
    """Weights that are drawn anew at each gap."""
    served = served_world(timed=True)
    weights = np.random.default_rng(5).uniform(0, 0.3, (1 + GAPS.count, len(served.head.names)))
    return replace(served, head=replace(served.head, weights=weights, gaps=GAPS))


@pytest.mark.parametrize(("since", "row"), [(60.0, 1), (2 * DAY, 2), (90 * DAY, 3), (None, 0), (-60.0, 1)], ids=str)
def test_answers_by_the_weights_at_the_gap_since_the_last_event(since, row):
    served, history = shifting_world(), HISTORIES[2]
    times = None if since is None else LAST - DAY * np.arange(len(history))[::-1]
    moment = None if since is None else LAST + since
    alike = Recommender.of(replace(served, head=replace(served.head, weights=served.head.weights[row], gaps=Gaps())))
    query = ListQuery(k=5, moment=moment, reasons=True)
    found = Recommender.of(served).recommend(history, query, times)
    assert found == alike.recommend(history, query, times)
    for one in found:
        assert sum(value for _, value in one.scorers) == pytest.approx(one.score, abs=1e-4)


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("since", [60.0, 2 * DAY, 90 * DAY, None, -60.0], ids=str)
def test_scores_are_the_stacks_own_at_every_gap(since, repeats):
    served = served_world(timed=True, repeats=repeats, baskets=True)
    rng, times = np.random.default_rng(9), None if since is None else LAST - DAY * np.arange(5)[::-1]

    def drawn(head):
        return replace(head, weights=rng.uniform(-0.1, 0.3, (1 + GAPS.count, len(head.names))), gaps=GAPS)

    basket = replace(served.basket, head=drawn(served.basket.head))
    served = replace(served, head=drawn(served.head), basket=basket)
    ensembles, opened = served_ensembles(served), Recommender.of(served)
    for one, ensemble, together in ((ensembles.whole, opened.whole, 0), (ensembles.basket, opened.basket, 2)):
        past = Past(items=HISTORIES[2], times=times, moment=LAST + (since or 0), together=together)
        expected = one.ensemble.served(one.weights, past.as_sequences())[0]
        allowed = torch.isfinite(expected)
        found = ensemble.weights(past) @ ensemble.log_ratios(past)
        torch.testing.assert_close(found[allowed], expected[allowed], atol=0.01, rtol=1e-3)


def test_the_weights_of_a_reason_stay_those_of_the_whole_history():
    served, history = shifting_world(), HISTORIES[2]
    times = LAST - DAY * np.array([90.0, 80, 70, 60, 0])
    recommender = Recommender.of(served)
    ensemble, past = recommender.whole, Past(items=history, times=times, moment=LAST + 60)
    (best,) = recommender.recommend(history, ListQuery(k=1, moment=LAST + 60, reasons=True), times)
    without = ensemble.weights(past) @ ensemble.log_ratios(past.without(4))[:, best.item]
    assert max(value for row, value in best.history if row == 4) == pytest.approx(best.score - float(without), abs=1e-4)


def test_a_history_whose_times_nobody_knows_has_the_weights_of_unknown_gaps():
    ensemble = Recommender.of(shifting_world()).whole
    for times in (None, np.full(5, np.nan)):
        assert torch.equal(ensemble.weights(Past(items=HISTORIES[2], times=times, moment=LAST)), ensemble._by_gap[0])


def test_lists_that_are_worked_out_together_are_those_of_each_alone(recommender):
    asked = [Asked(history=history, query=ListQuery(k=7, basket=min(1, len(history)))) for history in HISTORIES]
    asked += [Asked(history=history, query=ListQuery(k=7)) for history in HISTORIES]
    for each, begun in zip(asked, recommender.begin(asked), strict=True):
        together, alone = recommender.answer(each, begun), recommender.answer(each)
        assert [item.item for item in together] == [item.item for item in alone]
        assert [item.score for item in together] == pytest.approx([item.score for item in alone], abs=1e-3)


def test_vectors_are_read_once_for_lists_that_are_worked_out_together(recommender, monkeypatch):
    asked = [Asked(history=history, query=ListQuery(k=3)) for history in HISTORIES if len(history)]
    products, reads = PackedVectors.products, []

    def counted(self, rows):
        reads.append(len(rows))
        return products(self, rows)

    monkeypatch.setattr(PackedVectors, "products", counted)
    begun = recommender.begin(asked)
    each = reads[0] // len(asked)
    assert each
    for request, start in zip(asked, begun, strict=True):
        recommender.answer(request, start)
    assert reads == [each * len(asked)]
