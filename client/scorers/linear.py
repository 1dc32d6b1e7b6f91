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
        self._mapped = torch.from_numpy(linear.W) @ torch.from_numpy(features - linear.mean_y).T

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """One column [B, n]."""
        query = batch.mean(DECAY, self._features)
        return [torch.from_numpy(query - self._linear.mean_q) @ self._mapped]

    def queries(self, batch: HistoryBatch) -> list[NDArray[np.float32]]:
        """[B, D] vectors whose products with the items' are the column, but for a constant of each history."""
        query = batch.mean(DECAY, self._features)
        return [(torch.from_numpy(query - self._linear.mean_q) @ torch.from_numpy(self._linear.W)).numpy()]

    def rest(self, _batch: HistoryBatch) -> list[torch.Tensor]:
        """No other column."""
        return []
