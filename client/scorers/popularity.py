"""Popularity of the item, and of its content neighbours (for items that nobody has met yet)."""

import torch

from client.scorers.lookups import Hidden, Lookup
from client.scorers.scorer import Column, FitData, HistoryBatch, Kind
from client.scorers.shared_scores import SharedLookup, SharedScores


class Popularity:
    """The same scores for every history."""

    columns = (
        Column(name="popularity", kind=Kind.COUNT),
        Column(name="popularity@neighbours", kind=Kind.COUNT),
    )

    def __init__(self, data: FitData) -> None:
        around = data.neighbours.squared_cosines @ data.popularity
        self._rows = [torch.from_numpy(data.popularity), torch.from_numpy(around)]
        self._shared = [SharedScores(row) for row in self._rows]

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """Two columns [B, n]."""
        return [row.expand(len(batch), -1) for row in self._rows]

    def lookups(self, _batch: HistoryBatch, hidden: Hidden) -> list[Lookup]:
        """See ``LooksUp``.

        Args:
            _batch: B histories, and what scorers share of them.
            hidden: which items may not be recommended to whom.

        Returns:
            One lookup per column.
        """
        return [SharedLookup(shared, hidden) for shared in self._shared]
