"""What follows what: a first-order Markov chain over some lags, each weighted 1/lag, over √popularity."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from client.data.sequences import Sequences
from client.features.rows import largest, sparse_rows
from client.scorers.cooccurrence import Change
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
        lags = settings.lags
        self._matrix = data.statistic(
            counted, lambda: _transitions(data, lags), lambda before, change: _after(before, change, data, lags)
        )

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
    return _over_popularity(transition_counts(data.sequences, data.n_items, lags), data)


def _after(before: sp.csr_array, change: Change, data: FitData, lags: Sequence[int]) -> sp.csr_array:
    """As ``_transitions``, from what it was ``before`` the change: pairs that end in an event that is gone or new."""
    had, have = (
        transition_counts(events, data.n_items, lags, change.common) for events in (change.before, change.after)
    )
    root = _root(change.popularity(data.popularity))
    of = np.repeat(np.arange(data.n_items), np.diff(before.indptr))
    values = (before.data * (root[of] * root[before.indices])).astype(np.float32)
    counts: Any = sparse_rows(values, before.indices, before.indptr, before.shape) + have - had
    counts.data = np.maximum(counts.data, 0)
    return _over_popularity(counts, data)


def _over_popularity(counts: sp.csr_array, data: FitData) -> sp.csr_array:
    root = _root(data.popularity)
    of = np.repeat(np.arange(data.n_items), np.diff(counts.indptr))
    values = (counts.data / (root[of] * root[counts.indices])).astype(np.float32)
    matrix = sparse_rows(values, counts.indices, counts.indptr, counts.shape)
    return matrix if data.row is None else largest(matrix, data.row)


def _root(popularity: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.sqrt(np.maximum(popularity, 1)), np.float32)


def transition_counts(
    sequences: Sequences,
    n_items: int,
    lags: Sequence[int] = DEFAULT.lags,
    first: NDArray[np.int64] | None = None,
) -> sp.csr_array:
    """How often j came so many events after i, weighted 1/lag; 0 on i = j.

    Args:
        sequences: in the order of time; no pair crosses from one user to the next.
        n_items: n.
        lags: numbers of events from i to j that are counted.
        first: [U] the place in each user's sequence from which an event may be j; None: any may.

    Returns:
        [n, n] sparse, float32.
    """
    owner: NDArray[np.int64] = np.repeat(np.arange(len(sequences)), sequences.lengths())
    items = sequences.items
    ends = np.ones(len(items), bool)
    if first is not None:
        ends = np.arange(len(items)) >= (sequences.offsets[:-1] + first)[owner]
    counts: Any = sp.csr_array((n_items, n_items), dtype=np.float32)
    for lag in lags:
        same = (owner[lag:] == owner[:-lag]) & (items[lag:] != items[:-lag]) & ends[lag:]
        pairs = (items[:-lag][same], items[lag:][same])
        counts = counts + sp.csr_array((np.full(len(pairs[0]), 1 / lag, np.float32), pairs), shape=counts.shape)
    return sp.csr_array(counts)
