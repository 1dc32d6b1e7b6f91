"""Metrics of click prediction, against values worked out by hand, all orders of a tie, and torchmetrics."""

from itertools import permutations

import numpy as np
import pytest
import torch

from client.clicks.click_metrics import ClickRanking, calibration_error, log_loss, rank_clicks


def ranked(*impressions: tuple[list[float], list[int]], users: list[int] | None = None) -> ClickRanking:
    sizes = [len(scores) for scores, _ in impressions]
    return rank_clicks(
        np.concatenate([scores for scores, _ in impressions]),
        np.concatenate([labels for _, labels in impressions]).astype(bool),
        np.concatenate([[0], np.cumsum(sizes)]),
        np.array(users or range(len(impressions))),
    )


def test_agrees_with_values_worked_out_by_hand() -> None:
    found = ranked(([0.9, 0.8, 0.3, 0.1], [0, 1, 0, 1]), ([0.1, 0.2, 0.3], [0, 0, 1]))
    # first: of four pairs only (.8, .3) is in order; clicked at places 2 and 4
    assert found.auc.tolist() == [0.25, 1.0]
    assert found.reciprocal_rank == pytest.approx([(1 / 2 + 1 / 4) / 2, 1.0])
    ndcg = (1 / np.log2(3) + 1 / np.log2(5)) / (1 + 1 / np.log2(3))
    assert found.ndcg_5 == pytest.approx([ndcg, 1.0])
    assert found.ndcg_10 == pytest.approx([ndcg, 1.0])


def test_cuts_ndcg_at_its_place() -> None:
    scores = [float(-place) for place in range(12)]
    found = ranked((scores, [0] * 6 + [1] + [0] * 5))
    assert found.ndcg_5.tolist() == [0.0]
    assert found.ndcg_10 == pytest.approx([1 / np.log2(8)])


def test_leaves_out_impressions_that_cannot_be_judged() -> None:
    found = ranked(([1.0, 2.0], [1, 1]), ([1.0, 2.0], [0, 1]), ([1.0, 2.0], [0, 0]), users=[3, 4, 5])
    assert found.users.tolist() == [4]
    assert len(found.auc) == len(found.reciprocal_rank) == len(found.ndcg_5) == 1


def test_means_over_all_orders_of_a_tie() -> None:
    labels = [1, 0, 0, 1, 0, 0, 0]
    tied = [2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0]
    orders = [ranked(([2.0, *(1 + np.array(order) / 100), 0.0], labels)) for order in permutations(range(5))]
    found = ranked((tied, labels))
    for name in ("auc", "reciprocal_rank", "ndcg_5", "ndcg_10"):
        mean = np.mean([getattr(one, name)[0] for one in orders])
        assert getattr(found, name) == pytest.approx([mean]), name


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_puts_a_constant_at_chance(value: float) -> None:
    found = ranked(([value] * 8, [0, 1] + [0] * 6))
    assert found.auc.tolist() == [0.5]
    assert found.gauc == 0.5
    assert found.ndcg_5 == pytest.approx([sum(1 / np.log2(1 + place) for place in range(1, 6)) / 8])


def test_puts_random_scores_at_chance() -> None:
    rng = np.random.default_rng(0)
    impressions = [(rng.random(20).tolist(), [1] + [0] * 19) for _ in range(2000)]
    # the deviation of one AUC of 1 among 20 is that of a uniform draw: .29
    assert ranked(*impressions).auc.mean() == pytest.approx(0.5, abs=4 * 0.29 / np.sqrt(2000))


def test_puts_nan_last() -> None:
    assert ranked(([np.nan, 1.0, 2.0], [1, 0, 0])).auc.tolist() == [0.0]


def test_weighs_users_by_their_impressions() -> None:
    right, wrong = ([0.2, 0.1], [1, 0]), ([0.4, 0.5], [1, 0])
    # user 7: scores .2 .1 .2 .1, both clicked above both others; user 8: the one pair is wrong
    assert ranked(right, right, wrong, users=[7, 7, 8]).gauc == pytest.approx((2 * 1.0 + 1 * 0.0) / 3)
    # one user, judged over all their candidates: .2 > .1, .2 < .5, .4 > .1, .4 < .5
    assert ranked(right, wrong, users=[7, 7]).gauc == pytest.approx(0.5)


def test_agrees_with_torchmetrics_where_nothing_ties() -> None:
    from torchmetrics.functional.classification import binary_auroc
    from torchmetrics.functional.retrieval import retrieval_normalized_dcg

    rng = np.random.default_rng(1)
    impressions = [(rng.random(15).tolist(), [1, 1, 0, *rng.integers(0, 2, 12).tolist()]) for _ in range(20)]
    found = ranked(*impressions)
    tensors = [(torch.tensor(scores), torch.tensor(labels)) for scores, labels in impressions]
    assert found.auc == pytest.approx([float(binary_auroc(*one)) for one in tensors], abs=1e-6)
    expected = [float(retrieval_normalized_dcg(*one, top_k=5)) for one in tensors]
    assert found.ndcg_5 == pytest.approx(expected, abs=1e-6)


def test_measures_the_calibration_error_bin_by_bin() -> None:
    probabilities, labels = np.array([0.1, 0.1, 0.9, 0.9]), np.array([False, True, True, True])
    # two bins: |.1 - 1/2| and |.9 - 1|, each with half of the candidates
    assert calibration_error(probabilities, labels, bins=2) == pytest.approx((0.4 + 0.1) / 2)


def test_keeps_equal_probabilities_in_one_bin() -> None:
    labels = np.arange(100) < 30
    assert calibration_error(np.full(100, 0.3), labels) == pytest.approx(0.0, abs=1e-12)
    assert calibration_error(np.full(100, 0.5), labels) == pytest.approx(0.2)


def test_measures_cross_entropy_in_nats() -> None:
    assert log_loss(np.array([0.0, np.log(3)]), np.array([True, False])) == pytest.approx((np.log(2) + np.log(4)) / 2)
