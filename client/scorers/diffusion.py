"""One step of diffusion between content and co-occurrence, in both orders, through the 30 nearest items by cos²."""

import torch

from client.scorers.scorer import Column, FitData, HistoryBatch, Kind, product

DECAYS = (0.6, 1.0)


class Diffusion:
    """bag · N · S (content, then co-occurrence) and bag · S · N (the other way round)."""

    columns = (
        *(Column(name=f"diffusion-out@{decay:g}", kind=Kind.COUNT) for decay in DECAYS),
        *(Column(name=f"diffusion-in@{decay:g}", kind=Kind.COUNT) for decay in DECAYS),
    )

    def __init__(self, data: FitData) -> None:
        self._similarity = data.item_similarity
        self._content = data.neighbours.squared_cosines
        self._content_of_target = self._content.T.tocsr()

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """Four columns [B, n]."""
        bags = [batch.bag(decay) for decay in DECAYS]
        outward = [product(bag @ self._content, self._similarity) for bag in bags]
        inward = [batch.walk(decay, self._similarity) for decay in DECAYS]
        return outward + [torch.from_numpy((self._content_of_target @ scores.numpy().T).T) for scores in inward]
