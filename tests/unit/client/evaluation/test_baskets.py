"""Rankings where several items are relevant: against LensKit, and against a loop over items written plainly."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from lenskit.data import ItemList
from lenskit.metrics import NDCG, Recall, RecipRank
from lenskit.metrics.ranking import LogRankWeight
from numpy.typing import NDArray

from client.data.platform import Examples
from client.data.ragged import offsets_of
from client.data.sequences import Sequences
from client.evaluation.ranking import Ranking, by_user, ndcg_of, rank, rank_scores, ranks_by_column, whole_ndcg_of

B, N = 60, 25


def asked(rng: np.random.Generator, *, most: int = 14) -> Examples:
    """B examples, two or so a user, of baskets of 1 to ``most`` items, and histories of three others."""
    sizes = rng.integers(1, most + 1, B)
    drawn = [rng.permutation(N)[: size + 3] for size in sizes]
    items = np.concatenate([np.sort(one[3:]) for one in drawn]).astype(np.int32)
    return Examples(
        users=np.sort(rng.integers(0, B // 2, B)),
        histories=Sequences(
            offsets=np.arange(B + 1) * 3, items=np.concatenate([one[:3] for one in drawn]).astype(np.int32)
        ),
        targets=np.array([one[3] for one in drawn], np.int32),
        baskets=Sequences(offsets=offsets_of(sizes), items=items),
    )


def baskets(examples: Examples) -> list[NDArray[np.int32]]:
    relevant = examples.relevant
    return [relevant.items[start:end] for start, end in pairwise(relevant.offsets)]


def plain_ranks(scores: NDArray[np.float64], basket: NDArray[np.int32]) -> list[float]:
    """1 + better ones + half of the other equal ones; NaN is behind all of them."""
    shown = np.where(np.isnan(scores), -np.inf, scores)
    found = []
    for item in basket:
        better, equal = (shown > shown[item]).sum(), (shown == shown[item]).sum() - 1
        found.append(float(len(scores)) if np.isnan(scores[item]) else 1 + better + equal / 2)
    return found


def plain_figures(ranks: list[float], cutoff: float = 10) -> tuple[float, float, float]:
    """NDCG, recall and reciprocal rank."""
    gains = [1 / np.log2(1 + rank) for rank in ranks if rank <= cutoff]
    best = [1 / np.log2(1 + place) for place in range(1, int(min(len(ranks), cutoff)) + 1)]
    return sum(gains) / sum(best), len(gains) / len(ranks), 1 / min(ranks)


def drawn_scores(rng: np.random.Generator) -> torch.Tensor:
    """[B, N] with many ties, some NaN and some that may not be recommended."""
    scores = rng.integers(0, 8, (B, N)).astype(np.float32)
    scores[rng.random((B, N)) < 0.08] = np.nan
    scores[rng.random((B, N)) < 0.08] = -np.inf
    return torch.from_numpy(scores)


def test_ranks_scores_in_double_precision_by_all_of_it() -> None:
    examples = asked(np.random.default_rng(0))
    scores = torch.arange(B * N, dtype=torch.float64).reshape(B, N) * 1e-12 + 1
    expected = [rank for basket in baskets(examples) for rank in (N - basket).tolist()]
    assert rank_scores(scores, examples).ranks.tolist() == expected


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_a_plain_loop_where_scores_tie_or_are_none(seed: int) -> None:
    rng = np.random.default_rng(seed)
    examples, scores = asked(rng), drawn_scores(rng)
    ranking = rank_scores(scores, examples)
    ranks = [
        plain_ranks(row, basket) for row, basket in zip(scores.numpy().astype(float), baskets(examples), strict=True)
    ]
    assert ranking.ranks.tolist() == [one for each in ranks for one in each]
    expected = np.array([plain_figures(each) for each in ranks]).T
    assert np.stack([ranking.ndcg, ranking.recall, ranking.reciprocal_rank]) == pytest.approx(expected)
    whole = [plain_figures(each, cutoff=N)[0] for each in ranks]
    assert whole_ndcg_of(ranking.ranks, ranking.sizes) == pytest.approx(whole)
    assert len(set(ranking.ndcg)) > B // 3


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_lenskit_where_no_scores_tie(seed: int) -> None:
    rng = np.random.default_rng(seed)
    examples = asked(rng)
    scores = torch.from_numpy(np.argsort(rng.random((B, N)), axis=1).astype(np.float32))
    ranking = rank_scores(scores, examples)
    # the discount log2(1 + rank); LensKit's default is log2(max(rank, 2))
    measures = NDCG(10, weight=LogRankWeight(offset=1)), Recall(10), RecipRank()
    lists = [ItemList(item_ids=row, ordered=True) for row in torch.argsort(-scores, dim=1).numpy()]
    # LensKit's share is that of ten items where more are relevant; ours is that of all
    recall = ranking.recall * np.maximum(1, examples.relevant.lengths() / 10)
    for ours, measure in zip((ranking.ndcg, recall, ranking.reciprocal_rank), measures, strict=True):
        theirs = [
            measure.measure_list(row, ItemList(item_ids=basket))
            for row, basket in zip(lists, baskets(examples), strict=True)
        ]
        assert ours == pytest.approx(theirs, abs=1e-6)


def test_a_basket_of_one_is_a_single_item() -> None:
    rng = np.random.default_rng(3)
    examples, scores = asked(rng, most=1), drawn_scores(rng)
    single = Examples(users=examples.users, histories=examples.histories, targets=examples.targets)
    first, second = rank_scores(scores, examples), rank_scores(scores, single)
    for name in ("ranks", "ndcg", "recall", "reciprocal_rank", "recommended"):
        assert getattr(first, name).tolist() == getattr(second, name).tolist()


def test_the_best_list_of_any_basket_has_an_ndcg_of_1() -> None:
    examples = asked(np.random.default_rng(4), most=20)
    scores = torch.zeros(B, N)
    relevant = examples.relevant
    places = torch.arange(len(relevant.items), dtype=torch.float32)  # no two of them tie
    scores[torch.from_numpy(relevant.owners()), torch.from_numpy(relevant.items.astype(np.int64))] = 1 + places
    ranking = rank_scores(scores, examples)
    assert ranking.ndcg == pytest.approx(np.ones(B))
    assert ranking.recall == pytest.approx(np.minimum(1, 10 / relevant.lengths()))
    assert ranking.reciprocal_rank.tolist() == [1.0] * B


def test_keeps_a_basket_in_the_ranking_and_the_history_out_of_it() -> None:
    examples = asked(np.random.default_rng(5))
    scores = torch.rand(B, N, generator=torch.Generator().manual_seed(0))
    ranking = rank(lambda _: scores, examples, n_items=N, repeats=False)
    hidden = scores.numpy().astype(float).copy()
    hidden[np.repeat(np.arange(B), 3), examples.histories.items] = -np.inf
    expected = [one for row, basket in zip(hidden, baskets(examples), strict=True) for one in plain_ranks(row, basket)]
    assert ranking.ranks.tolist() == expected
    columns = ranks_by_column(lambda _: [scores, -scores], examples, 2, n_items=N, repeats=False)
    assert columns.shape == (2, len(examples.relevant.items))
    assert columns[0].tolist() == expected


def test_a_part_of_a_ranking_and_rankings_side_by_side_keep_each_basket_with_its_example() -> None:
    rng = np.random.default_rng(6)
    examples, scores = asked(rng), drawn_scores(rng)
    whole = rank_scores(scores, examples)
    rows = rng.permutation(B)
    part = whole.part(rows)
    for name in ("ndcg", "recall", "reciprocal_rank", "users"):
        assert getattr(part, name).tolist() == getattr(whole, name)[rows].tolist()
    again = Ranking.joined([whole.part(np.arange(20)), whole.part(np.arange(20, B))])
    assert again.ndcg.tolist() == whole.ndcg.tolist()


def test_a_user_counts_once_however_many_of_their_baskets_are_predicted() -> None:
    rng = np.random.default_rng(7)
    users = np.sort(rng.integers(0, 9, 40))
    values = rng.random((3, 2, 40))
    expected = np.stack([values[..., users == user].mean(-1) for user in np.unique(users)], axis=-1)
    assert by_user(values, users) == pytest.approx(expected)
    assert by_user(values[0, 0], users) == pytest.approx(expected[0, 0])
    alone = rng.random(5)
    assert by_user(alone, np.arange(5)).tolist() == alone.tolist()
    assert by_user(np.zeros((2, 0)), np.zeros(0, np.int64)).shape == (2, 0)


def test_figures_of_many_ways_of_scoring_come_by_example() -> None:
    rng = np.random.default_rng(8)
    examples = asked(rng)
    sizes = examples.relevant.lengths()
    ranks = rng.integers(1, N + 1, (4, int(sizes.sum()))).astype(float)
    found = ndcg_of(ranks, sizes)
    assert found.shape == (4, B)
    for row, one in zip(ranks, found, strict=True):
        each = np.split(row, np.cumsum(sizes)[:-1])
        assert one == pytest.approx([plain_figures(part.tolist())[0] for part in each])
