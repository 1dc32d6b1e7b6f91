"""Mean and covariance of an item tower's outputs over a catalogue, as they are released with an encoder.

d width.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DIGITS = 3
"""Decimals that are released; outputs of the tower are about 1."""


@dataclass(frozen=True, kw_only=True)
class ItemMoments:
    """Of vectors of items alone: no user and no event has a part in them."""

    mean: NDArray[np.float32]
    """[d]"""
    covariance: NDArray[np.float32]
    """[d, d]"""

    def to_json(self) -> dict[str, Any]:
        """As lists of rounded numbers."""
        parts = {"mean": self.mean, "covariance": self.covariance}
        return {name: np.round(part.astype(np.float64), _DIGITS).tolist() for name, part in parts.items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any], width: int) -> "ItemMoments":
        """The inverse of ``to_json``; raises KeyError, TypeError or ValueError for anything else."""
        mean, covariance = (np.asarray(values[name], np.float32) for name in ("mean", "covariance"))
        if mean.shape != (width,) or covariance.shape != (width, width):
            raise ValueError(f"moments of items must be [{width}] and [{width}, {width}]")
        if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
            raise ValueError("moments of items must be finite")
        return cls(mean=mean, covariance=covariance)
