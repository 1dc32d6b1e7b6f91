"""Sums over a history that fade with its events: a further event costs one row, whatever came before it.

n items, C decays, L events, M events that are new.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
_AT_ONCE = 32
"""events whose rows lie in memory at once"""


class DecayedSums:
    """Σ decay^age · row(item) over the events of a history, of which the last one is kept."""

    def __init__(self, decays: Sequence[float], rows: Callable[[NDArray[np.int64]], Float32], n_items: int) -> None:
        """Nothing is summed yet.

        Args:
            decays: C factors per step back, from 0 to 1.
            rows: gives [M, n] for items [M].
            n_items: n.
        """
        self._decays, self._rows = np.array(decays, np.float32), rows
        self._items = np.zeros(0, np.int64)
        self._sums = np.zeros((len(decays), n_items), np.float32)

    def of(self, items: NDArray[np.int64]) -> Float32:
        """[C, n] of a history [L], oldest first; not to be changed."""
        before = len(self._items)
        if before > len(items) or (self._items != items[:before]).any():
            self._items, self._sums = np.zeros(0, np.int64), np.zeros_like(self._sums)
            before = 0
        for start in range(before, len(items), _AT_ONCE):
            self._add(items[start : start + _AT_ONCE])
        self._items = items.copy()
        return self._sums

    def _add(self, items: NDArray[np.int64]) -> None:
        ages = np.arange(len(items))[::-1]
        weights = np.power(self._decays[:, None], ages, dtype=np.float32)
        self._sums *= np.power(self._decays, len(items), dtype=np.float32)[:, None]
        self._sums += weights @ self._rows(items)


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
