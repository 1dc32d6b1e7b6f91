"""Content neighbours of the history in the platform's own text space: grams under a local idf, unprojected."""

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from client.scorers.scorer import Column, FitData, HistoryBatch, Kind

DECAYS = (0.6, 1.0)
_FEW = 8
"""Queries up to which one dense pass over the items of their grams beats a sparse product (2: 1.4 times as fast)."""


class ContentIdf:
    """cos(decayed mean of g_h, g_i), where g are the catalogue's grams of length 1."""

    columns = tuple(Column(name=f"content-idf@{decay:g}", kind=Kind.SIMILARITY) for decay in DECAYS)

    def __init__(self, data: FitData) -> None:
        self._grams = data.grams
        self._items_of_gram = data.grams.T.tocsr()

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """Two columns [B, n]."""
        bags = [batch.bag(decay) for decay in DECAYS]
        queries = sp.vstack([bag @ self._grams for bag in bags], format="csr")
        norms = np.sqrt(np.maximum((queries * queries).sum(axis=1), np.finfo(np.float32).tiny))
        scores = torch.from_numpy(self._products(queries) / norms[:, None].astype(np.float32))
        return list(scores.view(len(DECAYS), len(batch), -1))

    def _products(self, queries: sp.csr_array) -> NDArray[np.float32]:
        """[Q, n]; for a few queries the items of their grams are read once for all of them, and added up in place."""
        count = queries.shape[0]
        if count > _FEW:
            return np.asarray((queries @ self._items_of_gram).toarray(), np.float32)
        grams, places = np.unique(queries.indices, return_inverse=True)
        weights = np.zeros((count, len(grams)), np.float32)
        weights[np.repeat(np.arange(count), np.diff(queries.indptr)), places] = queries.data
        items = self._items_of_gram[grams].T
        return np.stack([items @ row for row in weights])
