"""Scores that are the same for every history: their best items and their sums are told once.

n items, B histories, P items of a pool for each history, S items of a sample for all, Q powers.
"""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.sequences import select
from client.scorers.lookups import DenseLookup, Hidden, Looked, Lookup, without_nan
from client.scorers.scorer import HistoryBatch, Kind, Scorer

_BEST = 2_000
"""items that stand in order; where all of them are hidden, the others are looked through"""


class SharedScores:
    """One column."""

    def __init__(self, scores: torch.Tensor) -> None:
        """``scores`` [n], not changed any more."""
        (self.scores,) = without_nan(scores[None])
        self._sums: dict[float, float] = {}

    @cached_property
    def best(self) -> NDArray[np.int64]:
        """[min(n, 2000)] items, the best first."""
        return np.asarray(self.scores.topk(min(_BEST, len(self.scores))).indices)

    def sum_of(self, power: float) -> float:
        """Of all items' scores, those below 0 counted as 0, to a power."""
        if power not in self._sums:
            self._sums[power] = float(self.scores.clamp(min=0).double().pow(power).sum())
        return self._sums[power]


class SharedLookup:
    """See ``Lookup``."""

    def __init__(self, shared: SharedScores, hidden: Hidden, *, signed: bool = False) -> None:
        """``signed`` where some scores are below 0, of which powers tell nothing."""
        self._shared, self._hidden, self._signed = shared, hidden, signed

    def offers(self, count: int) -> NDArray[np.int64]:
        """See ``Lookup``."""
        n_items, histories = self._hidden.n_items, len(self._hidden.lists)
        longest = int(self._hidden.lists.lengths().max(initial=0))
        for reach in (count + longest, n_items):
            best = self._shared.best[:reach]
            hidden = self._hidden.at(best + n_items * np.arange(histories)[:, None])
            if (len(best) - hidden.sum(1)).min(initial=count) >= min(count, n_items - longest):
                order = np.argsort(hidden, axis=1, kind="stable")[:, :count]
                return np.where(np.take_along_axis(hidden, order, 1), -1, best[order])
        hidden = self._hidden.at(np.arange(histories * n_items)).reshape(histories, n_items)
        masked = self._shared.scores.expand(histories, -1).masked_fill(torch.from_numpy(hidden), -torch.inf)
        return DenseLookup(masked, self._hidden).offers(count)

    def at(self, looked: Looked) -> torch.Tensor:
        """See ``Lookup``."""
        scores: torch.Tensor = self._shared.scores[looked.items]
        return scores

    def masses(self, powers: Sequence[float]) -> torch.Tensor | None:
        """See ``Lookup``."""
        if self._signed:
            return None
        owners, items = self._hidden.distinct
        hidden = np.maximum(self._shared.scores.numpy()[items], 0).astype(np.float64)
        count = len(self._hidden.lists)
        of_hidden = [np.bincount(owners, hidden**power, minlength=count) for power in powers]
        sums = np.array([self._shared.sum_of(power) for power in powers]) - np.stack(of_hidden, axis=1)
        return torch.from_numpy(np.maximum(sums, 0).astype(np.float32))


def lookups_of_all(
    scorer: Scorer, batch: HistoryBatch, hidden: Hidden, shared: Callable[[], Sequence[SharedScores]]
) -> list[Lookup]:
    """Lookups of a scorer that says the same to everybody, but as of each history's moment where these differ.

    Args:
        scorer: whose columns they are; similarities among them may be below 0.
        batch: B histories.
        hidden: which items may not be recommended to whom.
        shared: the columns' scores as of now; asked only where no moment is given.

    Returns:
        One lookup per column.
    """
    moments = batch.moments
    if moments is not None and len(np.unique(moments)) != 1:
        return [DenseLookup(scores, hidden) for scores in scorer.score(batch)]
    signed = [column.kind is Kind.SIMILARITY for column in scorer.columns]
    everybodys = shared() if moments is None else _as_of_one(scorer, batch)
    return [SharedLookup(scores, hidden, signed=each) for scores, each in zip(everybodys, signed, strict=True)]


def _as_of_one(scorer: Scorer, batch: HistoryBatch) -> list[SharedScores]:
    first = HistoryBatch(select(batch.histories, np.zeros(1, np.int64)), batch.n_items)
    return [SharedScores(scores[0]) for scores in scorer.score(first)]
