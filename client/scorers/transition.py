"""What follows what: a first-order Markov chain over lags 1-3, each weighted 1/lag, over √popularity."""

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from client.data.platform import Sequences
from client.scorers.scorer import Column, FitData, HistoryBatch, Kind, product

DECAYS = (0.0, 0.6)
LAGS = (1, 2, 3)


class Transition:
    """Σ_h decay · T(h → i) / √(popularity of h · popularity of i)."""

    columns = tuple(Column(name=f"transition@{decay:g}", kind=Kind.COUNT) for decay in DECAYS)

    def __init__(self, data: FitData) -> None:
        self._matrix = data.statistic("transition", lambda: _transitions(data))

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """Two columns [B, n]."""
        return [product(batch.bag(decay), self._matrix) for decay in DECAYS]


def _transitions(data: FitData) -> sp.csr_array:
    counts = sp.coo_array(transition_counts(data.sequences, data.n_items))
    root = np.sqrt(np.maximum(data.popularity, 1))
    values = counts.data / (root[counts.row] * root[counts.col])
    return sp.csr_array((values, (counts.row, counts.col)), shape=counts.shape)


def transition_counts(sequences: Sequences, n_items: int) -> sp.csr_array:
    """[n, n] how often j came 1, 2 or 3 events after i, weighted 1/lag; 0 on i = j."""
    owner: NDArray[np.int64] = np.repeat(np.arange(len(sequences)), sequences.lengths())
    items = sequences.items
    sources, targets, weights = [], [], []
    for lag in LAGS:
        same = (owner[lag:] == owner[:-lag]) & (items[lag:] != items[:-lag])
        sources.append(items[:-lag][same])
        targets.append(items[lag:][same])
        weights.append(np.full(int(same.sum()), 1 / lag, np.float32))
    pairs = (np.concatenate(sources), np.concatenate(targets))
    return sp.csr_array((np.concatenate(weights), pairs), shape=(n_items, n_items))
