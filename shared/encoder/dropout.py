"""Dropout whose masks come from a generator that is passed in."""

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Dropout:
    """Zeroes elements at the given rate (in steps of 1/256) and scales the others up."""

    rng: np.random.Generator
    rate: float
    """share of elements zeroed, in [0, 1)"""

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise ValueError(f"a dropout rate must be in [0, 1); got {self.rate}")

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """Elementwise, the same shape."""
        return values if self._threshold == 0 else values * self._mask(values.shape)

    def rows(self, values: torch.Tensor) -> torch.Tensor:
        """[m, d] with whole rows zeroed, the others not scaled: an id that is missing, not a noisy one."""
        if self._threshold == 0:
            return values
        return values * (self._mask(torch.Size([len(values), 1])) > 0)

    @property
    def _threshold(self) -> int:
        return round(256 * self.rate)

    def _mask(self, shape: torch.Size) -> torch.Tensor:
        bits = self.rng.integers(0, 256, size=tuple(shape), dtype=np.uint8)
        kept = torch.from_numpy(bits) >= self._threshold
        return kept.to(torch.float32).mul_(256 / (256 - self._threshold))
