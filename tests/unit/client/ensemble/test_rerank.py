"""Maximal marginal relevance: by hand, against a plain implementation, and exact where it is switched off."""

import numpy as np
import pytest
import torch

from client.data.held_out import Stage
from client.data.platform import Examples, examples
from client.data.sequences import Sequences
from client.ensemble.fitting import fit_stacks, rank_all
from client.ensemble.rerank import DEFAULT, rank_diversified, rerank
from client.evaluation.beyond_accuracy import intra_list_diversity
from client.evaluation.ranking import K, best_first, rank_scores
from tests.unit.client.recommender.world import prepared, small_platform

# items 0 and 1 are the same, item 2 is like neither; relevance over these three is 1, ½, 0
TWINS = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
SCORES = torch.tensor([[3.0, 2.0, 1.0]])


def order(scores: torch.Tensor) -> list[list[int]]:
    return scores.argsort(dim=1, descending=True).tolist()


def unit_rows(rows: int, seed: int) -> torch.Tensor:
    drawn = torch.randn(rows, 6, generator=torch.Generator().manual_seed(seed))
    return drawn / drawn.norm(dim=1, keepdim=True)


@pytest.mark.parametrize(("strength", "expected"), [(0.3, [0, 1, 2]), (0.4, [0, 2, 1])])
def test_prefers_the_unlike_item_from_the_strength_that_a_hand_finds(strength: float, expected: list[int]) -> None:
    # item 1 is worth (1 − λ) ½ − λ, item 2 nothing: they meet at λ = 1/3
    (scores,) = rerank(SCORES, TWINS, (strength,))
    assert order(scores) == [expected]


def test_moves_the_target_to_its_place_in_the_new_list() -> None:
    one = Examples(
        users=np.array([0]),
        histories=Sequences(offsets=np.array([0, 0]), items=np.array([], np.int32)),
        targets=np.array([1], np.int32),
    )
    ranks = [rank_scores(scores, one).ranks.tolist() for scores in rerank(SCORES, TWINS, (0.0, 0.4))]
    assert ranks == [[2.0], [3.0]]


def test_gives_back_the_very_scores_without_strength() -> None:
    scores = torch.rand(4, 200, generator=torch.Generator().manual_seed(1)).round(decimals=1)
    (same,) = rerank(scores, unit_rows(200, 2), (0.0,))
    assert same is scores


@pytest.mark.parametrize("strength", [0.1, 0.5, 1.0])
def test_picks_what_a_plain_loop_picks(strength: float) -> None:
    scores = torch.randn(5, 130, generator=torch.Generator().manual_seed(3))
    features = unit_rows(130, 4)
    (found,) = rerank(scores, features, (strength,))
    assert [row[:K] for row in order(found)] == [plain_picks(row, features, strength) for row in scores]


def plain_picks(scores: torch.Tensor, features: torch.Tensor, strength: float) -> list[int]:
    pool = scores.topk(DEFAULT.pool).indices.tolist()
    low, high = float(scores[pool[-1]]), float(scores[pool[0]])
    picked = [pool[0]]
    while len(picked) < K:
        rest = [item for item in pool if item not in picked]
        likeness = {item: float((features[picked] @ features[item]).max()) for item in rest}
        relevance = {item: (float(scores[item]) - low) / (high - low) for item in rest}
        picked.append(max(rest, key=lambda item: (1 - strength) * relevance[item] - strength * likeness[item]))
    return picked


def test_leaves_the_order_of_all_that_is_not_picked() -> None:
    scores = torch.randn(3, 130, generator=torch.Generator().manual_seed(5))
    (found,) = rerank(scores, unit_rows(130, 6), (0.7,))
    for before, after in zip(order(scores), order(found), strict=True):
        assert after[K:] == [item for item in before if item not in after[:K]]


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_never_raises_an_item_that_may_not_be_recommended(strength: float) -> None:
    scores = torch.full((2, 20), -torch.inf)
    scores[0, :3] = torch.tensor([0.3, 0.2, 0.1])
    scores[1, :] = torch.arange(20.0)
    (found,) = rerank(scores, unit_rows(20, 7), (strength,))
    assert sorted(order(found)[0][:3]) == [0, 1, 2]
    assert torch.equal(found == -torch.inf, scores == -torch.inf)
    assert order(found)[0][0] == 0


def test_a_stronger_pull_gives_lists_of_less_alike_items_and_none_the_plain_ranking() -> None:
    platform = small_platform()
    features = prepared(platform).features
    stacks = fit_stacks(prepared(platform), {}, {"stack": [[]]}, seed=0)
    weights = stacks.chosen["stack"].weights
    held_out = examples(platform, Stage.TEST, np.arange(platform.n_users))
    plain = rank_all(stacks.ensemble, weights[None], held_out)[0]
    rankings = rank_diversified(stacks.ensemble, weights, held_out, features, (0.0, 0.3, 0.9))
    assert np.array_equal(rankings[0].recommended, plain.recommended)
    assert np.array_equal(rankings[0].ranks, plain.ranks)
    diversity = [intra_list_diversity(one.recommended, features).mean() for one in rankings]
    assert diversity[0] < diversity[1] < diversity[2]


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_picks_equal_items_in_their_order_and_a_nan_after_all(strength: float) -> None:
    # every item is unlike every other, so that likeness decides nothing
    scores = torch.tensor([[float("nan"), 1.0, 4.0, 1.0, 4.0, -torch.inf]])
    (found,) = rerank(scores, torch.eye(6), (strength,), k=5)
    assert best_first(found, 5).tolist() == [[2, 4, 1, 3, 0]]


def test_takes_the_first_of_equal_items_into_the_pool() -> None:
    # the pool is smaller than the tie
    (found,) = rerank(torch.zeros(1, 200), unit_rows(200, 8), (0.3,), k=3)
    assert max(best_first(found, 3)[0].tolist()) < DEFAULT.pool
