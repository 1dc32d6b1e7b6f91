"""Sums over a history that fade with its events: a further event costs one row, whatever came before it.

n items, C sums, L events, M distinct items, Q sums that are asked for.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]


Weighed = Callable[[NDArray[np.int64], Float32, Sequence[int]], Float32]
"""Of distinct items [M], weights [Q, M] and the kind of each [Q]: the sums [Q, n] of the items' rows of that kind."""


class DecayedSums:
    """Σ decay^age · row(item) over the events of a history, of which the last one is kept."""

    def __init__(self, decays: Sequence[float], kinds: Sequence[int], weighed: Weighed, n_items: int) -> None:
        """Nothing is summed yet.

        Args:
            decays: C factors per step back, from 0 to 1.
            kinds: [C] which kind of rows each sum is of.
            weighed: gives sums of rows.
            n_items: n.
        """
        self._decays, self._kinds, self._weighed = list(decays), list(kinds), weighed
        self._items = np.zeros(0, np.int64)
        self._sums = np.zeros((len(decays), n_items), np.float32)

    def of(self, items: NDArray[np.int64]) -> Float32:
        """[C, n] of a history [L], oldest first; not to be changed."""
        before = len(self._items)
        if before > len(items) or (self._items != items[:before]).any():
            self._sums[:] = 0
            before = 0
        if before < len(items):
            self._add(items[before:])
        self._items = items.copy()
        return self._sums

    def _add(self, items: NDArray[np.int64]) -> None:
        """A single event weighs the same at each decay: its row of each kind is enough."""
        self._sums *= np.power(np.array(self._decays, np.float32), len(items))[:, None]
        if len(items) > 1:
            self._sums += self._weighed(*bags(items, self._decays), self._kinds)
            return
        kinds = list(dict.fromkeys(self._kinds))
        rows = self._weighed(items, np.ones((len(kinds), 1), np.float32), kinds)
        self._sums += rows[[kinds.index(kind) for kind in self._kinds]]


def bags(items: NDArray[np.int64], decays: Sequence[float]) -> tuple[NDArray[np.int64], Float32]:
    """What the items of a history weigh.

    Args:
        items: [L] oldest first.
        decays: C factors per step back, from 0 to 1.

    Returns:
        [M] distinct items, and [C, M] decay^age, summed over an item's events; the last event has age 0.
    """
    rows, places = np.unique(items, return_inverse=True)
    ages = np.arange(len(items))[::-1]
    told = {
        decay: np.bincount(places, np.power(np.float32(decay), ages), minlength=len(rows)).astype(np.float32)
        for decay in set(decays)
    }
    return rows.astype(np.int64), np.array([told[decay] for decay in decays], np.float32).reshape(-1, len(rows))


def unit_lengths(sums: Float32, items: NDArray[np.int64], decays: Sequence[float]) -> Float32:
    """Lengths of the vectors whose products with the items' are the sums: at the history's own items they tell them.

    Args:
        sums: [C, n] of products with vectors of length 1.
        items: [L] the history, oldest first.
        decays: C factors per step back.

    Returns:
        [C, 1], above 0.
    """
    ages = np.arange(len(items))[::-1]
    weights = np.power(np.array(decays, np.float32)[:, None], ages, dtype=np.float32)
    squares = (weights * sums[:, items]).sum(1, keepdims=True)
    lengths: Float32 = np.sqrt(np.maximum(squares, np.finfo(np.float32).tiny))
    return lengths
