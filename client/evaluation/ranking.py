"""Full-ranking metrics per example; ties get the average rank, NaN the worst. Lists hold ties in the order of items.

NDCG@k (Järvelin, Kekäläinen 2002), Recall@k and reciprocal rank of a held-out item, or of all items of a held-out
basket: NDCG is then the sum of their gains over the best sum that as many items can have, Recall their share among the
first k, and the reciprocal rank that of the first of them. With average ranks a tie can end between two places: NDCG
then uses 1 / log2(1 + rank) at the fractional rank.

N examples, T relevant items of all examples together, n items of the catalogue.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.platform import Examples, some
from client.data.ragged import offsets_of, stretches
from client.data.sequences import Sequences
from shared.system.progress import track

K = 10
_BATCH_ELEMENTS = 32_000_000

ScoreHistories = Callable[[Sequences], torch.Tensor]
"""B histories to scores [B, n], higher is better."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Ranking:
    """What one way of scoring did for N examples over a catalogue of n items."""

    users: NDArray[np.int64]
    """[N] user rows"""
    ranks: NDArray[np.float64]
    """[T] of the relevant items among the candidates, example by example; 1 is best"""
    recommended: NDArray[np.int32]
    """[N, k] the items ranked first"""
    sizes: NDArray[np.int64] | None = None
    """[N] relevant items of each example; None where each has one"""
    outside: NDArray[np.bool_] | None = None
    """[T] relevant items on no shortlist, which no list can hold; None where every item was ranked"""

    @classmethod
    def joined(cls, parts: list["Ranking"]) -> "Ranking":
        """The rankings of several batches as one.

        Args:
            parts: one or more, in the order of their examples.

        Returns:
            one ranking of all their examples.
        """
        return cls(
            users=np.concatenate([part.users for part in parts]),
            ranks=np.concatenate([part.ranks for part in parts]),
            recommended=np.concatenate([part.recommended for part in parts]),
            sizes=np.concatenate([part._counts for part in parts]),
            outside=None if parts[0].outside is None else np.concatenate([part._outside for part in parts]),
        )

    def part(self, rows: NDArray[np.int64]) -> "Ranking":
        """The ranking of some of its examples.

        Args:
            rows: [M] which of them.

        Returns:
            a ranking of M examples.
        """
        counts = self._counts
        relevant = stretches(offsets_of(counts)[rows], counts[rows])
        return Ranking(
            users=self.users[rows],
            ranks=self.ranks[relevant],
            recommended=self.recommended[rows],
            sizes=counts[rows],
            outside=None if self.outside is None else self.outside[relevant],
        )

    @property
    def share_outside(self) -> float | None:
        """Of relevant items, those on no shortlist; None where every item was ranked."""
        return None if self.outside is None else float(self.outside.mean()) if len(self.outside) else 0.0

    @property
    def ndcg(self) -> NDArray[np.float64]:
        """[N] NDCG@10."""
        return ndcg_of(self.ranks, self.sizes)

    @property
    def recall(self) -> NDArray[np.float64]:
        """[N] Recall@10."""
        hits = (self.ranks <= K).astype(np.float64)
        return _summed(hits, self._counts) / np.maximum(self._counts, 1)

    @property
    def reciprocal_rank(self) -> NDArray[np.float64]:
        """[N]."""
        if len(self.users) == 0:
            return np.zeros(0)
        return np.asarray(1 / np.minimum.reduceat(self.ranks, offsets_of(self._counts)[:-1]))

    @property
    def _outside(self) -> NDArray[np.bool_]:
        return np.zeros(len(self.ranks), bool) if self.outside is None else self.outside

    @property
    def _counts(self) -> NDArray[np.int64]:
        return np.ones(len(self.users), np.int64) if self.sizes is None else self.sizes


def ndcg_of(ranks: NDArray[np.float64], sizes: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
    """NDCG@10 from the ranks of relevant items.

    Args:
        ranks: in any shape where one item is relevant in each example; else [..., T], example by example.
        sizes: [N] how many items are relevant in each example, each 1 or more; None for one.

    Returns:
        the shape of ``ranks`` where one item is relevant, else [..., N].
    """
    gains = np.where(ranks <= K, _gains(ranks), 0.0)
    return gains if sizes is None else _summed(gains, sizes) / _best_sums(np.minimum(sizes, K))


def whole_ndcg_of(ranks: NDArray[np.float64], sizes: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
    """NDCG over the whole list, without a cutoff, from the ranks of relevant items.

    Args:
        ranks: in any shape where one item is relevant in each example; else [..., T], example by example.
        sizes: [N] how many items are relevant in each example, each 1 or more; None for one.

    Returns:
        the shape of ``ranks`` where one item is relevant, else [..., N].
    """
    gains = _gains(ranks)
    return gains if sizes is None else _summed(gains, sizes) / _best_sums(sizes)


def by_user(values: NDArray[np.float64], users: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean of each user's figures, from figures of examples.

    Args:
        values: [..., N] figures of examples, user by user.
        users: [N] the user of each example, sorted.

    Returns:
        [..., V] the means of the V users that occur in ``users``, in their order.
    """
    begins = np.flatnonzero(np.append([True] * (len(users) > 0), users[1:] != users[:-1]))
    if len(begins) == len(users):
        return values
    return np.asarray(np.add.reduceat(values, begins, axis=-1) / np.diff(np.append(begins, len(users))))


def _gains(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    gains: NDArray[np.float64] = 1 / np.log2(1 + ranks)
    return gains


def _summed(values: NDArray[np.float64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """[..., T] to [..., N]."""
    if len(sizes) == 0 or values.shape[-1] == len(sizes):
        return values
    return np.add.reduceat(values, offsets_of(sizes)[:-1], axis=-1)


def _best_sums(sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """[N] the gains of as many items as stand first."""
    places = np.arange(1, int(sizes.max(initial=1)) + 1, dtype=np.float64)
    return np.asarray(np.cumsum(_gains(places))[sizes - 1])


def example_batches(
    examples: Examples, n_items: int, columns: int = 1, at_once: int | None = None
) -> Iterator[tuple[Examples, torch.Tensor]]:
    """The examples in batches whose dense scores stay within bounded memory.

    Args:
        examples: all N of them.
        n_items: items of the catalogue.
        columns: score matrices [B, n] that are held at once; more of them make batches smaller.
        at_once: examples of a batch; None: as many as those matrices leave room for.

    Yields:
        examples of a batch, at most 512, and their targets [B] as an int64 tensor.
    """
    size = at_once or max(1, min(512, _BATCH_ELEMENTS // (n_items * columns)))
    for start in track(range(0, len(examples), size), "scoring users"):
        part = some(examples, np.arange(start, min(start + size, len(examples))))
        yield part, torch.from_numpy(part.targets.astype(np.int64))


def rank(score: ScoreHistories, examples: Examples, *, n_items: int, repeats: bool) -> Ranking:
    """Rank each example's target over the whole catalogue.

    Args:
        score: gives scores [B, n] of B histories; higher is better.
        examples: N histories with what is relevant after each.
        n_items: items of the catalogue.
        repeats: whether items of the history may be recommended again; else they are out, but never the target.

    Returns:
        the ranks of the relevant items, with the best items of each example.
    """
    parts = []
    for part, targets in example_batches(examples, n_items):
        scores = score(part.histories).clone()
        if not repeats:
            mask_history(scores, part.histories, targets)
        parts.append(rank_scores(scores, part))
    return Ranking.joined(parts)


def ranks_by_column(
    score: Callable[[Sequences], Sequence[torch.Tensor]],
    examples: Examples,
    columns: int,
    *,
    n_items: int,
    repeats: bool,
) -> NDArray[np.float64]:
    """Ranks of relevant items under several ways of scoring.

    Args:
        score: gives the score matrices [B, n] of B histories, one for each way of scoring, all at once.
        examples: N histories with what is relevant after each.
        columns: how many matrices ``score`` gives, R; batches are the smaller for it.
        n_items: items of the catalogue.
        repeats: whether items of the history may be recommended again; else they are out, but never the target.

    Returns:
        [R, T] rank of each relevant item, by way of scoring.
    """
    parts = []
    for part, targets in example_batches(examples, n_items, columns):
        ranks = []
        for scores in score(part.histories):
            shown = scores.clone()
            if not repeats:
                mask_history(shown, part.histories, targets)
            ranks.append(relevant_ranks(shown, part))
        parts.append(np.stack(ranks))
    return np.concatenate(parts, axis=1)


def rank_scores(scores: torch.Tensor, examples: Examples) -> Ranking:
    """The ranking by scores that are known already.

    Args:
        scores: [B, n], higher is better; −inf for items that may not be recommended.
        examples: B of them, in the same order.

    Returns:
        the ranks of the relevant items, with the best items of each example.
    """
    return Ranking(
        users=examples.users,
        ranks=relevant_ranks(scores, examples),
        recommended=best_first(scores, K).numpy().astype(np.int32),
        sizes=examples.sizes,
    )


def relevant_ranks(scores: torch.Tensor, examples: Examples) -> NDArray[np.float64]:
    """The rank of every relevant item, as ``target_ranks`` counts it.

    Args:
        scores: [B, n], higher is better; NaN is worst.
        examples: B of them, in the same order.

    Returns:
        [T] ranks from 1, example by example; [B] where one item is relevant in each example.
    """
    if examples.sizes is None:
        return target_ranks(scores, torch.from_numpy(examples.targets.astype(np.int64))).numpy()
    relevant = examples.relevant
    rows, items = (torch.from_numpy(values.astype(np.int64)) for values in (relevant.owners(), relevant.items))
    if scores.sum().isnan():
        lost = scores[rows, items].isnan()
        scores = scores.nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)
    else:
        lost = torch.zeros(len(rows), dtype=torch.bool)
    width = int(relevant.lengths().max(initial=1))
    place = torch.from_numpy(np.arange(len(rows)) - np.repeat(relevant.offsets[:-1], relevant.lengths()))
    relevant_scores = torch.full((len(examples), width), torch.inf, dtype=scores.dtype)
    relevant_scores[rows, place] = scores[rows, items]
    ordered = scores.sort(dim=1).values
    below = torch.searchsorted(ordered, relevant_scores)[rows, place]
    up_to = torch.searchsorted(ordered, relevant_scores, right=True)[rows, place]
    n = scores.shape[1]
    ranks = 1 + (n - up_to) + (up_to - below - 1) / 2
    return torch.where(lost, float(n), ranks.double()).numpy()


def best_first(scores: torch.Tensor, k: int) -> torch.Tensor:
    """The best items of each row, the best first; equal ones in the order of items.

    NaN comes after every number, and before −inf: items that may not be recommended.

    Args:
        scores: [B, n], higher is better.
        k: how many items of each row are wanted.

    Returns:
        [B, min(k, n)] items.
    """
    shown = scores.nan_to_num(nan=torch.finfo(scores.dtype).min, posinf=torch.inf, neginf=-torch.inf)
    k = min(k, shown.shape[1])
    values, items = shown.topk(min(k + 1, shown.shape[1]), dim=1)
    items = items[:, :k].sort(dim=1).values  # a stable sort then keeps the order of equal items
    items = items.gather(1, shown.gather(1, items).sort(dim=1, descending=True, stable=True).indices)
    if values.shape[1] > k:
        cut = values[:, k - 1] == values[:, k]  # which of the equal items are in the list is left open by topk
        items[cut] = shown[cut].sort(dim=1, descending=True, stable=True).indices[:, :k]
    return items


def mask_history(scores: torch.Tensor, histories: Sequences, targets: torch.Tensor) -> None:
    """Set the items of the histories to −inf in the scores, in place, but never a target.

    Args:
        scores: [B, n], changed in place.
        histories: B of them.
        targets: [B] the items that keep their scores.
    """
    rows = torch.from_numpy(np.repeat(np.arange(len(histories)), histories.lengths())).to(scores.device)
    items = torch.from_numpy(histories.items.astype(np.int64)).to(scores.device)
    target_scores = scores.gather(1, targets[:, None])
    scores[rows, items] = -torch.inf
    scores.scatter_(1, targets[:, None], target_scores)


def target_ranks(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Ranks of targets: 1 + better ones + half of the equal ones; NaN is worst.

    Args:
        scores: [B, n], higher is better.
        target: [B] items.

    Returns:
        [B] ranks from 1 to n, in float64.
    """
    target_scores = scores.gather(1, target[:, None])
    lost = target_scores.isnan().squeeze(1)
    if scores.sum().isnan():  # a tenth of the time of looking for each; inf - inf is taken for one, too
        scores = scores.nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)
    counts = torch.empty_like(scores)  # sums of numbers are faster than of truth values, and exact to 2^24
    better = torch.gt(scores, target_scores, out=counts).sum(1).double()
    equal = torch.eq(scores, target_scores, out=counts).sum(1).double() - 1
    ranks = 1 + better + equal / 2
    return torch.where(lost, float(scores.shape[1]), ranks)
