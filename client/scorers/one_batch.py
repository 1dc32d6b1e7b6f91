"""A batch of one history, whose bags are few numbers instead of sparse matrices.

n items, L items of the history, C decays, D numbers of a vector.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from client.features.rows import unit_rows
from client.scorers.lookups import Bags
from client.scorers.scorer import HistoryBatch


class OneBatch(HistoryBatch):
    """See ``HistoryBatch``."""

    def bags(self, decays: Sequence[float]) -> Bags:
        """See ``HistoryBatch``.

        Args:
            decays: C factors per step back, from 0 to 1.

        Returns:
            C bags of the history.
        """
        return Bags(of_one=(self._distinct[0], np.concatenate([self._weights(decay) for decay in decays])))

    def mean(self, decay: float, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """See ``HistoryBatch``.

        Args:
            decay: factor per step back, from 0 to 1.
            features: [n, D] vectors of the catalogue, the same array whenever it is asked.

        Returns:
            [1, D], zero for an empty history.
        """
        return unit_rows(self._weights(decay) @ self._vectors(features))

    def _weights(self, decay: float) -> NDArray[np.float32]:
        """[1, L]."""
        if decay not in self._made:
            items, places = self._distinct
            faded = np.power(float(decay), np.arange(len(places) - 1, -1, -1))
            self._made[decay] = np.bincount(places, faded, minlength=len(items)).astype(np.float32)[None]
        return self._made[decay]

    def _vectors(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[L, D] of the items."""
        if self._read is None:
            self._read = features[self._distinct[0]].astype(np.float32, copy=False)
        return self._read

    @cached_property
    def _made(self) -> dict[float, NDArray[np.float32]]:
        return {}

    _read: NDArray[np.float32] | None = None

    @cached_property
    def _distinct(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """[L] the items, each once, and which of them each event is of."""
        items, places = np.unique(self.histories.items, return_inverse=True)
        return items, places
