"""Full ranking: hand-worked values, an independent library, and canaries that must land at chance."""

import numpy as np
import pytest
import torch

from client.data.platform import Examples
from client.data.sequences import Sequences
from client.evaluation.ranking import best_first, rank, rank_scores, target_ranks

N_USERS, N_ITEMS = 400, 100
# a rank drawn evenly from the 98 candidates: mean over ranks 1..10 of 1/log2(1+rank), times 10/98
CHANCE = float(np.sum(1 / np.log2(1 + np.arange(1, 11)))) / 98


def _examples() -> Examples:
    rng = np.random.default_rng(0)
    drawn = np.stack([rng.permutation(N_ITEMS)[:3] for _ in range(N_USERS)])
    return Examples(
        users=np.arange(N_USERS),
        histories=Sequences(offsets=np.arange(N_USERS + 1) * 2, items=drawn[:, :2].reshape(-1).astype(np.int32)),
        targets=drawn[:, 2].astype(np.int32),
    )


def test_ranks_by_hand() -> None:
    scores = torch.tensor([[0.1, 0.9, 0.5], [0.3, 0.3, 0.3], [0.2, 0.1, float("nan")]])
    assert target_ranks(scores, torch.tensor([2, 0, 2])).tolist() == [2.0, 2.0, 3.0]


def test_puts_ndcg_recall_and_reciprocal_rank_where_the_hand_puts_them() -> None:
    one = Examples(
        users=np.array([0]),
        histories=Sequences(offsets=np.array([0, 1]), items=np.array([0], np.int32)),
        targets=np.array([3], np.int32),
    )
    scores = torch.tensor([[9.0, 3.0, 1.0, 2.0]])
    ranking = rank(lambda _: scores, one, n_items=4, repeats=False)
    assert ranking.ranks.tolist() == [2.0]
    assert ranking.ndcg[0] == pytest.approx(1 / np.log2(3))
    assert ranking.recall[0] == 1.0
    assert ranking.reciprocal_rank[0] == 0.5


def test_keeps_seen_items_in_the_ranking_of_a_platform_with_repeats() -> None:
    one = Examples(
        users=np.array([0]),
        histories=Sequences(offsets=np.array([0, 1]), items=np.array([0], np.int32)),
        targets=np.array([3], np.int32),
    )
    scores = torch.tensor([[9.0, 3.0, 1.0, 2.0]])
    assert rank(lambda _: scores, one, n_items=4, repeats=True).ranks.tolist() == [3.0]


def test_agrees_with_torchmetrics() -> None:
    from torchmetrics.retrieval import RetrievalMRR, RetrievalNormalizedDCG

    held_out = _examples()
    scores = torch.rand(N_USERS, N_ITEMS, generator=torch.Generator().manual_seed(2))
    ranking = rank(lambda _: scores[:N_USERS], held_out, n_items=N_ITEMS, repeats=True)
    relevant = torch.zeros(N_USERS, N_ITEMS, dtype=torch.bool)
    relevant[torch.arange(N_USERS), torch.from_numpy(held_out.targets.astype(np.int64))] = True
    index = torch.arange(N_USERS).repeat_interleave(N_ITEMS)
    arguments = (scores.flatten(), relevant.flatten(), index)
    assert ranking.ndcg.mean() == pytest.approx(float(RetrievalNormalizedDCG(top_k=10)(*arguments)), abs=1e-5)
    assert ranking.reciprocal_rank.mean() == pytest.approx(float(RetrievalMRR()(*arguments)), abs=1e-5)


def test_a_constant_scorer_gets_the_middle_rank_and_no_more() -> None:
    ranking = rank(lambda h: torch.zeros(len(h), N_ITEMS), _examples(), n_items=N_ITEMS, repeats=False)
    assert set(ranking.ranks.tolist()) == {49.5}
    assert ranking.ndcg.sum() == 0


def test_a_random_scorer_lands_at_chance() -> None:
    generator = torch.Generator().manual_seed(5)
    ranking = rank(
        lambda h: torch.rand(len(h), N_ITEMS, generator=generator), _examples(), n_items=N_ITEMS, repeats=False
    )
    spread = ranking.ndcg.std() / np.sqrt(N_USERS)
    assert abs(ranking.ndcg.mean() - CHANCE) < 3 * spread


def test_a_scorer_of_nan_is_worst() -> None:
    ranking = rank(lambda h: torch.full((len(h), N_ITEMS), torch.nan), _examples(), n_items=N_ITEMS, repeats=False)
    assert (ranking.ranks == N_ITEMS).all()


NAN, OUT = float("nan"), -torch.inf


def test_lists_the_best_first_and_equal_ones_in_the_order_of_items() -> None:
    scores = torch.tensor([[1.0, 3.0, 1.0, 3.0, 1.0], [5.0, 5.0, 5.0, 5.0, 5.0], [0.0, 1.0, 2.0, 3.0, 4.0]])
    assert best_first(scores, 3).tolist() == [[1, 3, 0], [0, 1, 2], [4, 3, 2]]
    assert best_first(scores, 9).tolist() == [[1, 3, 0, 2, 4], [0, 1, 2, 3, 4], [4, 3, 2, 1, 0]]


def test_lists_a_nan_after_every_number_and_before_what_may_not_be_recommended() -> None:
    scores = torch.tensor([[NAN, OUT, -1e30, NAN, 2.0], [NAN, NAN, NAN, OUT, NAN]])
    assert best_first(scores, 4).tolist() == [[4, 2, 0, 3], [0, 1, 2, 4]]


def test_lists_what_a_stable_sort_lists() -> None:
    generator = torch.Generator().manual_seed(3)
    scores = torch.randint(0, 40, (64, 3_000), generator=generator).float()
    scores[torch.rand(scores.shape, generator=generator) < 0.1] = OUT
    for k in (1, 10, 500):
        assert torch.equal(best_first(scores, k), scores.sort(dim=1, descending=True, stable=True).indices[:, :k])


def test_recommends_equal_items_in_their_order_and_gives_the_target_among_them_the_mean_of_their_ranks() -> None:
    one = Examples(
        users=np.array([0]),
        histories=Sequences(offsets=np.array([0, 0]), items=np.array([], np.int32)),
        targets=np.array([0], np.int32),
    )
    ranking = rank_scores(torch.tensor([[2.0, 2.0, NAN, 2.0, 7.0]]), one)
    assert ranking.recommended.tolist() == [[4, 0, 1, 3, 2]]
    # items 0, 1 and 3 share ranks 2, 3 and 4, wherever the target stands among them
    assert ranking.ranks.tolist() == [3.0]
