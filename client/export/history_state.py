"""The vector of one history by a trained history tower, in a form that torch.export follows for any length.

L items of a history, M the most that the tower reads, d width.
"""

import torch
from torch import nn
from torch.nn import functional

from shared.encoder.towers import HistoryTower, HistoryTowers


class HistoryState(nn.Module):
    """[d] of the latest M items; a shorter history is filled up behind its end, where a causal tower does not look."""

    def __init__(self, tower: HistoryTower | HistoryTowers, length: int, width: int) -> None:
        """``tower`` reads the latest ``length`` items' vectors, of ``width`` numbers each."""
        super().__init__()
        self._tower, self.length = tower, length
        with torch.no_grad():  # distances between places are worked out once, and not while the module is traced
            tower.last(torch.zeros(1, length, width), torch.ones(1, dtype=torch.int64))

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """The state after a history.

        Args:
            vectors: [L, d] of the history's items, oldest first, at least 1.

        Returns:
            [d], whose products with the items' vectors are their scores, but for the biases.
        """
        latest, count = self.latest(vectors)
        return self.of_latest(latest, count)

    def latest(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The last M of L values, filled up behind their end.

        Args:
            values: [L, ...], at least 1.

        Returns:
            [M, ...], and [1] int64 how many of them are values.
        """
        before = (0, 0) * (values.dim() - 1) + (self.length, 0)
        there = functional.pad(torch.ones(values.shape[0], dtype=torch.int64), (self.length, 0))
        count = there[-self.length :].sum(0, keepdim=True)
        places = (torch.arange(self.length) + self.length - count).clamp(max=self.length - 1)
        return functional.pad(values, before)[-self.length :].index_select(0, places), count

    def of_latest(self, vectors: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
        """The state by what ``latest`` gives of a history's vectors.

        Args:
            vectors: [M, d].
            count: [1] int64 how many of them are the history's.

        Returns:
            [d].
        """
        state: torch.Tensor = self._tower.last(vectors[None], count)[0]
        return state
