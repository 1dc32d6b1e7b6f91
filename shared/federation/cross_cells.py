"""A cross moment under noise as it travels: cells of the grid of shared/privacy/grid.py, one for each number."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from shared.encoder.cross import triangle_size
from shared.encoder.encoder import ArraySpec, Layout
from shared.privacy.grid import MOST_CELL


@dataclass(frozen=True, kw_only=True)
class CrossGrid:
    """How the cells of a cross moment in D dimensions lie in one flat array."""

    dim: int

    @cached_property
    def layout(self) -> Layout:
        """One array."""
        return Layout((ArraySpec(name="cells", shape=(triangle_size(self.dim),), dtype="int32"),))

    @property
    def bits(self) -> float:
        """log2 of the number of flat arrays without a fault."""
        return self.layout.size * math.log2(2 * MOST_CELL + 1)

    def fault(self, cells: NDArray[np.int32]) -> str:
        """Why no release has these cells, in words; empty where some may."""
        beyond = (cells < -MOST_CELL) | (cells > MOST_CELL)
        return f"a cell lies beyond {MOST_CELL:,}" if beyond.any() else ""


def public_layout(dim: int) -> Layout:
    """How a catalogue's mean and covariance lie in their flat array."""
    mean, triangle = (ArraySpec(name="mean", shape=(dim,)), ArraySpec(name="triangle", shape=(triangle_size(dim),)))
    return Layout((mean, triangle))
