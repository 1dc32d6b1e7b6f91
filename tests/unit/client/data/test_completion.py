"""Baskets to be completed: what is hidden, what is known, and that nothing of the hidden item's basket tells of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from client.data.completion import LEAST_BASKETS, completions, enough_baskets
from client.data.held_out import Stage, last_baskets, last_events
from client.data.platform import Platform
from client.data.ragged import offsets_of
from client.data.sequences import Sequences, in_basket, last
from client.ensemble.cross_fitting import Counted, cross_fit, fit_data, fit_on
from client.ensemble.ensemble import RawEnsemble
from client.scorers.scorer import HistoryBatch
from client.scorers.table import COMPLETING, SCORERS
from tests.unit.client.recommender.world import prepared, small_platform

DAY = 86_400.0


def platform_of(*users: list[tuple[float, list[int]]], items: int = 40, repeats: bool = True) -> Platform:
    """Each user as (day, items) of their baskets."""
    events = [[(item, day * DAY) for day, basket in user for item in basket] for user in users]
    flat = [event for user in events for event in user]
    sequences = Sequences(
        offsets=offsets_of(np.array([len(user) for user in events])),
        items=np.array([item for item, _ in flat], np.int32),
        times=np.array([time for _, time in flat]),
    )
    rows = np.arange(len(users))
    return replace(
        small_platform(),
        item_ids=tuple(map(str, range(items))),
        texts=tuple(f"item{item}" for item in range(items)),
        user_ids=tuple(f"u{row}" for row in rows),
        user_numbers=rows,
        training_users=rows,
        calibration_users=rows[:0],
        sequences=sequences,
        split=last_baskets(sequences, 0.0, np.zeros(len(users))),
        repeats=repeats,
    )


def asked(platform: Platform, stage: Stage = Stage.TEST):
    return completions(platform, stage, np.arange(platform.n_users))


def test_hides_one_item_and_knows_the_rest_of_the_basket_beside_what_came_before() -> None:
    platform = platform_of([(1, [5, 6]), (2, [7, 8, 9])], [(1, [5, 6]), (2, [7, 8, 9])])
    found = asked(platform)
    assert found.targets.tolist() == [7, 8]  # by the users' numbers
    histories = found.histories
    assert np.split(histories.items, histories.offsets[1:-1])[0].tolist() == [5, 6, 8, 9]
    assert np.split(histories.items, histories.offsets[1:-1])[1].tolist() == [5, 6, 7, 9]
    assert histories.moments.tolist() == [2 * DAY, 2 * DAY]
    assert histories.times.tolist() == [DAY, DAY, 2 * DAY, 2 * DAY] * 2
    assert in_basket(histories).items.tolist() == [8, 9, 7, 9]
    assert found.sizes is None


def test_knows_each_item_of_a_basket_once_and_nothing_of_the_hidden_one() -> None:
    found = asked(platform_of([(1, [7, 5]), (2, [7, 8, 7, 9, 8])]))
    assert found.targets.tolist() == [7]
    assert found.histories.items.tolist() == [7, 5, 8, 9]
    assert in_basket(found.histories).items.tolist() == [8, 9]


@pytest.mark.parametrize("last", [[7], [7, 7]])
def test_asks_nothing_of_a_basket_of_one_item(last: list[int]) -> None:
    found = asked(platform_of([(1, [5]), (2, last)], [(1, [5]), (2, [8, 9])]))
    assert found.users.tolist() == [1]


def test_asks_nothing_where_single_events_are_predicted() -> None:
    platform = platform_of([(1, [5, 6]), (2, [7, 8, 9])])
    assert len(asked(replace(platform, split=last_events(platform.sequences)))) == 0


def test_baskets_are_enough_where_both_weights_and_choices_have_some() -> None:
    users = [[(day, [day, day + 1]) for day in range(4)]] * LEAST_BASKETS
    assert enough_baskets(platform_of(*users))
    assert not enough_baskets(platform_of(*users[1:]))
    singles = [[(day, [day]) for day in range(4)]] * LEAST_BASKETS
    assert not enough_baskets(platform_of(*singles))


def test_counts_pairs_of_baskets_each_at_length_one() -> None:
    platform = platform_of([(1, [0, 1]), (2, [0, 1, 2]), (3, [3]), (4, [4, 5]), (5, [6, 7])])
    pairs = fit_on(prepared(platform), np.arange(1), COMPLETING).statistics["basket_pairs"]
    # two baskets of two and three items train; the last two are held out
    both, alone = 1 / 2 + 1 / 3, 1 / 3
    assert pairs[0, 1] == pytest.approx(both / (both + 0.3))
    assert pairs[0, 2] == pytest.approx(alone / (np.sqrt(both * alone) + 0.3))
    assert pairs[3, 2] == pairs[0, 3] == pairs[0, 0] == 0
    assert pairs[4, 5] == pairs[6, 7] == 0


def test_a_basket_tells_nothing_of_its_own_hidden_item() -> None:
    """Every user's last training basket is a pair that nobody else has."""
    users = [[(1, [0, 1]), (2, [2 + 2 * row, 3 + 2 * row]), (3, [0, 1]), (4, [0, 1])] for row in range(12)]
    platform = platform_of(*users)
    fit = cross_fit(prepared(platform), {}, seed=0, scorers=COMPLETING, question=completions)
    whole = fit_on(prepared(platform), platform.training_users, COMPLETING)
    for fold in fit.folds:
        one = completions(platform, Stage.TRAIN, fold.users)
        assert pairs_at(fold.raw.scorers[0], one) == [0.0] * len(fold.users)
        assert min(pairs_at(whole.scorers["basket"], one)) > 0


def test_a_second_fit_counts_what_is_new_to_it_alone_and_comes_out_the_same() -> None:
    users = [[(day, [day, day + 1, 4 + row % 5]) for day in range(1, 6)] for row in range(12)]
    one = prepared(platform_of(*users))
    counted: Counted = {}
    cross_fit(one, {}, seed=0, counted=counted)
    before = {key: dict(found) for key, found in counted.items()}
    table = {**SCORERS, **COMPLETING}
    again = cross_fit(one, {}, seed=0, scorers=table, question=completions, counted=counted)
    afresh = cross_fit(one, {}, seed=0, scorers=table, question=completions)
    assert len(before) == len(again.folds)
    for key, found in before.items():
        assert all(counted[key][name] is matrix for name, matrix in found.items())
        assert set(counted[key]) - set(found) == {"basket_pairs"}
    assert again.calibrations == afresh.calibrations
    assert torch.equal(again.last.examples.log_ratios, afresh.last.examples.log_ratios)


def test_only_the_last_examples_ask_what_completes_a_basket() -> None:
    users = [[(day, [day, day + 1]) for day in range(1, 8)] for _ in range(6)]
    one = prepared(platform_of(*users))
    assert cross_fit(one, {}, seed=0).earlier is not None
    assert cross_fit(one, {}, seed=0, scorers=COMPLETING, question=completions).earlier is None


@pytest.mark.parametrize("repeats", [False, True])
def test_candidates_are_what_was_met_before_where_items_are_met_again_but_never_the_basket(repeats: bool) -> None:
    platform = platform_of([(1, [5, 6]), (2, [7, 8, 9])], repeats=repeats)
    (row,) = RawEnsemble(scorers=(), n_items=40, repeats=repeats).candidates(asked(platform).histories).numpy()
    assert np.flatnonzero(~row).tolist() == ([8, 9] if repeats else [5, 6, 8, 9])


def test_columns_of_a_basket_are_of_its_items_alone() -> None:
    train = [(1, [0, 1]), (2, [0, 1]), (3, [2, 3]), (4, [2, 4]), (5, [5])]
    platform = platform_of([*train, (6, [30]), (7, [31])], [*train, (6, [30]), (7, [31])])
    scorer = fit_on(prepared(platform), platform.training_users, COMPLETING).scorers["basket"]
    history = Sequences(
        offsets=np.array([0, 3]), items=np.array([2, 5, 0], np.int32), times=None, together=np.array([1])
    )
    batch = HistoryBatch(history, 40)
    content, pairs, knn = (column[0].numpy() for column in scorer.score(batch))
    assert [column.name for column in scorer.columns] == ["basket-content", "basket-pairs", "basket-knn"]
    features = prepared(platform).features
    np.testing.assert_allclose(content, features @ features[0], atol=1e-5)
    assert np.flatnonzero(pairs).tolist() == [1]  # what was bought with item 0; users had the others too
    assert set(np.flatnonzero(knn)) == {1, 2, 3, 4, 5}
    nothing = HistoryBatch(replace(history, together=None), 40)
    assert not any(column.any() for column in scorer.score(nothing))


def test_a_basket_of_one_item_is_no_basket_of_several() -> None:
    platform = platform_of([(1, [0, 1]), (2, [5]), (3, [2, 2]), (4, [6, 7]), (5, [8, 9])])
    data = fit_data(prepared(platform), platform.training_users)
    assert data.basket_items.toarray()[:, :8].tolist() == [[1, 1, 0, 0, 0, 0, 0, 0]]


def test_a_history_that_is_cut_holds_no_more_of_a_basket_than_it_is_long() -> None:
    found = asked(platform_of([(1, [5, 6]), (2, [7, 8, 9, 10])])).histories
    assert in_basket(last(found, np.array([0]), 2)).items.tolist() == found.items[-2:].tolist()
    assert in_basket(found).items.tolist() == found.items[-3:].tolist()


def pairs_at(scorer, one) -> list[float]:
    """Of the hidden items."""
    names = [column.name for column in scorer.columns]
    scores = scorer.score(HistoryBatch(one.histories, 40))[names.index("basket-pairs")]
    return scores[np.arange(len(one)), one.targets].tolist()
