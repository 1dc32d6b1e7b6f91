"""Content neighbours of the history: cosine to its decayed mean, and a kernel over the nearest items of each item."""

import numpy as np
import torch
from numpy.typing import NDArray

from client.scorers.scorer import Column, FitData, HistoryBatch, Kind, product

DECAYS = (0.0, 0.6, 1.0)
_SHARPNESS = 12.0
_NEIGHBOURS = 60


class ContentKnn:
    """cos(decayed mean of x_h, x_i) at three decays; Σ_h decay · exp(12 (cos(x_h, x_i) − 1)) at the same."""

    columns = (
        *(Column(name=f"content-knn@{decay:g}", kind=Kind.SIMILARITY) for decay in DECAYS),
        *(Column(name=f"content-kernel@{decay:g}", kind=Kind.COUNT) for decay in DECAYS),
    )

    products = len(DECAYS)

    def __init__(self, data: FitData) -> None:
        self._features = data.features
        kernel = np.exp(_SHARPNESS * (data.neighbours.cosines - 1)).astype(np.float32)
        self._kernel = data.neighbours.graph(kernel, _NEIGHBOURS)

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """Six columns [B, n]."""
        items = torch.from_numpy(self._features)
        cosines = [torch.from_numpy(query) @ items.T for query in self.queries(batch)]
        return cosines + self.rest(batch)

    def queries(self, batch: HistoryBatch) -> list[NDArray[np.float32]]:
        """[B, D] vectors whose products with the items' are the first three columns."""
        return [batch.mean(decay, self._features) for decay in DECAYS]

    def rest(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """The other columns [B, n]."""
        return [product(batch.bag(decay), self._kernel) for decay in DECAYS]
