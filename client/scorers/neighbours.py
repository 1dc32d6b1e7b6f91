"""The nearest items of each item by content, found once per catalogue in bounded memory."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

NEIGHBOURS = 60
_BLOCK_ELEMENTS = 32_000_000


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """For each of n items its K nearest others, nearest first."""

    items: NDArray[np.int64]
    """[n, K]"""
    cosines: NDArray[np.float32]
    """[n, K]"""

    @cached_property
    def squared_cosines(self) -> sp.csr_array:
        """[n, n] cos² on the edges to the 30 nearest, never negative; not to be changed."""
        return self.graph(self.cosines.clip(min=0) ** 2, 30)

    def graph(self, weights: NDArray[np.float32], k: int) -> sp.csr_array:
        """[n, n] with ``weights`` [n, K] on the edges to the k nearest."""
        n, width = self.items.shape[0], min(k, self.items.shape[1])
        return sp.csr_array(
            (
                weights[:, :width].reshape(-1),
                self.items[:, :width].reshape(-1),
                np.arange(n + 1, dtype=np.int64) * width,
            ),
            shape=(n, n),
        )


def nearest(features: NDArray[np.float32], k: int = NEIGHBOURS) -> Neighbours:
    """The K = min(k, n − 1) nearest items by cosine of features [n, D] with rows of length 1 or 0."""
    vectors = torch.from_numpy(features)
    n = len(vectors)
    k = min(k, n - 1)
    items, cosines = torch.empty(n, k, dtype=torch.int64), torch.empty(n, k)
    block = max(1, _BLOCK_ELEMENTS // n)
    for start in range(0, n, block):
        cosine = vectors[start : start + block] @ vectors.T
        rows = torch.arange(len(cosine))
        cosine[rows, rows + start] = -torch.inf
        cosines[start : start + block], items[start : start + block] = cosine.topk(k, dim=1)
    return Neighbours(items=items.numpy(), cosines=cosines.numpy())
