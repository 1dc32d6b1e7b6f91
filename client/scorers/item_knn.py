"""Item neighbours by shared users: cosine of user-normalised co-occurrence with shrinkage (Deshpande, Karypis 2004)."""

import torch

from client.scorers.item_similarity import Matrix
from client.scorers.scorer import Column, FitData, HistoryBatch, Kind

DECAYS = (0.6, 1.0)


class ItemKnn:
    """Σ_h decay · sim(h, i) over the history."""

    columns = tuple(Column(name=f"item-knn@{decay:g}", kind=Kind.COUNT) for decay in DECAYS)

    def __init__(self, data: FitData, similarity: Matrix | None = None) -> None:
        self._similarity = data.item_similarity if similarity is None else similarity

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """Two columns [B, n]."""
        return [batch.walk(decay, self._similarity) for decay in DECAYS]
