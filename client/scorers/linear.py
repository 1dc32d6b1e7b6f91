"""The encoder's linear part as a scorer: (q_u − mean) · W · (x_i − mean)."""

import numpy as np
import torch
from numpy.typing import NDArray

from client.scorers.scorer import Column, HistoryBatch, Kind
from client.training.moments import DECAY
from shared.encoder.linear import LinearMap


class Linear:
    """q_u is the decayed mean of the history's vectors, of length 1."""

    columns = (Column(name="linear", kind=Kind.SIMILARITY),)
    products = 1

    def __init__(self, linear: LinearMap, features: NDArray[np.float32]) -> None:
        self._linear = linear
        self._features = features

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """One column [B, n]."""
        return [torch.from_numpy(self._linear.scores(batch.mean(DECAY, self._features), self._features))]

    def queries(self, batch: HistoryBatch) -> list[NDArray[np.float32]]:
        """[B, D] vectors whose products with the items' are the column, but for a constant of each history."""
        return [self._linear.mapped(batch.mean(DECAY, self._features))]

    def rest(self, _batch: HistoryBatch) -> list[torch.Tensor]:
        """No other column."""
        return []
