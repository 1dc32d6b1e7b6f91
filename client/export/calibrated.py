"""The calibrations of columns of one kind as a torch module: as ``AlikeColumns`` tells them of one history.

C columns of one kind, n items.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

_TINY = 1e-30
_FAR = 1e30
"""how far below all others an item lies that is no candidate"""


class Calibrated(nn.Module):
    """Raw scores [C, n] and which items are candidates [n], to log-likelihood ratios [C, n] in nats."""

    mixtures: torch.Tensor
    scales: torch.Tensor

    def __init__(self, columns: Sequence[Mapping[str, Any]], temperature: float | None) -> None:
        """Of C columns as facts of a pack.

        Args:
            columns: with their mixtures and scales.
            temperature: the lowest of similarities; None where the columns are counts.
        """
        super().__init__()
        self._are_counts = temperature is None
        self._components = len(columns[0]["mixture"]) - 1 if columns else 0
        mixtures = [column["mixture"] for column in columns] or [[1.0]]
        self.register_buffer("mixtures", torch.tensor(mixtures))
        scales = [float(column["scale"]) * (temperature or 1.0) for column in columns]
        self.register_buffer("scales", torch.tensor(scales)[:, None])

    def forward(self, raw: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """Log-likelihood ratios.

        Args:
            raw: [C, n] raw scores.
            visible: [n] 1 for a candidate, 0 for another item.

        Returns:
            [C, n]; what stands at items that are no candidates says nothing.
        """
        values = self._first(raw, visible)
        candidates = visible.sum()
        total = self.mixtures[:, -1:]
        for component in range(self._components):
            if component:
                values = values * values
            sums = values.sum(1, keepdim=True).clamp(min=_TINY)
            total = total + values * (candidates * self.mixtures[:, component : component + 1] / sums)
        return total.clamp(min=_TINY).log()

    def _first(self, raw: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """[C, n] the first component's values, 0 at items that are no candidates."""
        if self._are_counts:
            return (raw.clamp(min=0) * visible).sqrt()
        scaled = raw * self.scales + (visible - 1) * _FAR
        return (scaled - scaled.amax(1, keepdim=True)).exp()
