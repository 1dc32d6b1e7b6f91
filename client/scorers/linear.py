"""The encoder's linear part as a scorer: (q_u − mean) · W · (x_i − mean)."""

import numpy as np
import torch
from numpy.typing import NDArray

from client.features.unit_rows import unit_rows
from client.scorers.scorer import Column, HistoryBatch, Kind
from shared.encoder.linear import LinearMap

DECAY = 0.6


class Linear:
    """q_u is the decayed mean of the history's vectors, of length 1."""

    columns = (Column(name="linear", kind=Kind.SIMILARITY),)

    def __init__(self, linear: LinearMap, features: NDArray[np.float32]) -> None:
        self._linear = linear
        self._features = features
        self._mapped = torch.from_numpy(linear.W) @ torch.from_numpy(features - linear.mean_y).T

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """One column [B, n]."""
        query = unit_rows(batch.bag(DECAY) @ self._features)
        return [torch.from_numpy(query - self._linear.mean_q) @ self._mapped]
