"""EASE: a linear item-to-item model with a zero diagonal, in closed form (Steck, WWW 2019)."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from client.scorers.scorer import Column, FitData, HistoryBatch, Kind, product
from shared.system.options import Checked, bounded


@dataclass(frozen=True, kw_only=True)
class EaseSettings(Checked):
    """What may be chosen about it."""

    regularisation: float = bounded(100.0, above=0)
    """λ, in users who met an item"""
    most_items: int = bounded(8_000, least=1)
    """catalogues above this size have no EASE: its matrix and the time to invert it are too large"""


DEFAULT = EaseSettings()


class Ease:
    """bag(1) · B with B = I − P · diag(1 / P_ii), P = (XᵀX + λI)⁻¹."""

    columns = (Column(name="ease", kind=Kind.SIMILARITY),)

    def __init__(self, data: FitData, settings: EaseSettings = DEFAULT) -> None:
        regularisation = settings.regularisation
        self._weights = data.statistic(f"ease@{regularisation:g}", lambda: _weights(data, regularisation))

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """One column [B, n]."""
        return [product(batch.bag(1.0), self._weights)]


def _weights(data: FitData, regularisation: float) -> NDArray[np.float32]:
    gram = torch.from_numpy((data.user_items.T @ data.user_items).toarray())
    gram.diagonal().add_(regularisation)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram))
    weights = inverse.div_(-inverse.diagonal().clone())
    weights.fill_diagonal_(0.0)
    return np.ascontiguousarray(weights.numpy())
