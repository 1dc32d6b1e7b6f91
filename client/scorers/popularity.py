"""Popularity of the item, and of its content neighbours (for items that nobody has met yet)."""

import torch

from client.scorers.scorer import Column, FitData, HistoryBatch, Kind


class Popularity:
    """The same scores for every history."""

    columns = (
        Column(name="popularity", kind=Kind.COUNT),
        Column(name="popularity@neighbours", kind=Kind.COUNT),
    )

    def __init__(self, data: FitData) -> None:
        around = data.neighbours.squared_cosines @ data.popularity
        self._rows = [torch.from_numpy(data.popularity), torch.from_numpy(around)]

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """Two columns [B, n]."""
        return [row.expand(len(batch), -1) for row in self._rows]
