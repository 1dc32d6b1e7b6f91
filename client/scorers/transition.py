"""What follows what: a first-order Markov chain over some lags, each weighted 1/lag, over √popularity."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from client.data.sequences import Sequences
from client.features.rows import largest
from client.scorers.lookups import Hidden, Lookup
from client.scorers.scorer import FitData, HistoryBatch, Kind, by_decay, product, walked
from shared.system.options import Checked, bounded


@dataclass(frozen=True, kw_only=True)
class TransitionSettings(Checked):
    """What may be chosen about it."""

    decays: tuple[float, ...] = bounded((0.0, 0.6), least=0, most=1)
    """of a history's items with their age, one column each"""
    lags: tuple[int, ...] = bounded((1, 2, 3), least=1)
    """events from one item to the next that are counted, each with the weight 1/lag"""


DEFAULT = TransitionSettings()
LONG = TransitionSettings(decays=(0.0, 0.8), lags=tuple(range(1, 21)))
"""Over a window as long as a user's taste lasts."""


class Transition:
    """Σ_h decay · T(h → i) / √(popularity of h · popularity of i)."""

    def __init__(self, data: FitData, settings: TransitionSettings = DEFAULT, name: str = "transition") -> None:
        """``name`` is of its columns, and of what it counts."""
        self.columns, self._decays = by_decay(name, Kind.COUNT, settings.decays), settings.decays
        counted = f"{name}@{','.join(map(str, settings.lags))}"
        self._matrix = data.statistic(counted, lambda: _transitions(data, settings.lags))

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """One column [B, n] a decay."""
        return [product(batch.bag(decay), self._matrix) for decay in self._decays]

    def lookups(self, batch: HistoryBatch, hidden: Hidden) -> list[Lookup]:
        """See ``LooksUp``.

        Args:
            batch: B histories, and what scorers share of them.
            hidden: which items may not be recommended to whom.

        Returns:
            One lookup per column.
        """
        return walked(batch, self._decays, self._matrix, hidden)


def _transitions(data: FitData, lags: Sequence[int]) -> sp.csr_array:
    counts = sp.coo_array(transition_counts(data.sequences, data.n_items, lags))
    root = np.sqrt(np.maximum(data.popularity, 1))
    values = counts.data / (root[counts.row] * root[counts.col])
    matrix = sp.csr_array((values, (counts.row, counts.col)), shape=counts.shape)
    return matrix if data.row is None else largest(matrix, data.row)


def transition_counts(sequences: Sequences, n_items: int, lags: Sequence[int] = DEFAULT.lags) -> sp.csr_array:
    """How often j came so many events after i, weighted 1/lag; 0 on i = j.

    Args:
        sequences: in the order of time; no pair crosses from one user to the next.
        n_items: n.
        lags: numbers of events from i to j that are counted.

    Returns:
        [n, n] sparse, float32.
    """
    owner: NDArray[np.int64] = np.repeat(np.arange(len(sequences)), sequences.lengths())
    items = sequences.items
    counts: Any = sp.csr_array((n_items, n_items), dtype=np.float32)
    for lag in lags:
        same = (owner[lag:] == owner[:-lag]) & (items[lag:] != items[:-lag])
        pairs = (items[:-lag][same], items[lag:][same])
        counts = counts + sp.csr_array((np.full(len(pairs[0]), 1 / lag, np.float32), pairs), shape=counts.shape)
    return sp.csr_array(counts)
