"""Content neighbours of the history in the platform's own text space: grams under a local idf, unprojected."""

import numpy as np
import torch

from client.scorers.scorer import Column, FitData, HistoryBatch, Kind

DECAYS = (0.6, 1.0)


class ContentIdf:
    """cos(decayed mean of g_h, g_i), where g are the catalogue's grams of length 1."""

    columns = tuple(Column(name=f"content-idf@{decay:g}", kind=Kind.SIMILARITY) for decay in DECAYS)

    def __init__(self, data: FitData) -> None:
        self._grams = data.grams
        self._items_of_gram = data.grams.T.tocsr()

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """Two columns [B, n]."""
        return [self._cosines(batch, decay) for decay in DECAYS]

    def _cosines(self, batch: HistoryBatch, decay: float) -> torch.Tensor:
        query = batch.bag(decay) @ self._grams
        norms = np.sqrt(np.maximum((query * query).sum(axis=1), np.finfo(np.float32).tiny))
        return torch.from_numpy((query @ self._items_of_gram).toarray() / norms[:, None].astype(np.float32))
