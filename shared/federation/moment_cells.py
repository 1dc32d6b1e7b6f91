"""Moments as they travel: means over pairs in whole cells, and the number of pairs to two digits.

Vectors have length 1, so no mean lies beyond −1 to 1, and the traces of A and C are 1 whatever the number of pairs is:
the rounded number is all that a reply tells of it.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from shared.encoder.encoder import ArraySpec, Layout
from shared.encoder.linear import Moments

BITS = 28
"""A cell is 2⁻²⁸: why, docs/decisions/0039-numbers-leave-on-grids.md"""
MOST_PAIRS = 10**12
Cells = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class MomentGrid:
    """How means in D dimensions lie in one flat array of cells."""

    dim: int

    @cached_property
    def layout(self) -> Layout:
        """Upper triangles of A and C, the square B, and both mean vectors."""
        dim, triangle = self.dim, self.dim * (self.dim + 1) // 2
        shapes = {"A": (triangle,), "B": (dim, dim), "C": (triangle,), "mean_q": (dim,), "mean_y": (dim,)}
        return Layout(tuple(ArraySpec(name=name, shape=shape, dtype="int32") for name, shape in shapes.items()))

    @property
    def bits(self) -> float:
        """log2 of the number of flat arrays without a fault."""
        return self.layout.size * math.log2(2 * 2**BITS + 1)

    def nearest(self, moments: Moments) -> Cells:
        """The cells of the means; half a cell is the most that any is off. Those of no pair are 0."""
        means = moments.to_flat()[:-1] / max(moments.n, 1.0)
        return np.rint(means * 2.0**BITS).astype(np.int32)

    def means(self, cells: Cells) -> NDArray[np.float64]:
        """What cells stand for, exactly."""
        return np.asarray(np.ldexp(cells.astype(np.float64), -BITS))

    def moments(self, cells: Cells, pairs: int) -> Moments:
        """Sums over so many pairs with these means.

        Args:
            cells: int32, means in the order of ``layout``; a cell is 2⁻²⁸.
            pairs: number of pairs.

        Returns:
            The moments.

        Raises:
            ValueError: if there are more or fewer cells than the layout has.
        """
        sums = cells.astype(np.float64) * (2.0**-BITS * pairs)
        return Moments.from_flat(np.append(sums, float(pairs)), self.dim)

    def fault(self, cells: Cells) -> str:
        """Why no vectors of length 1 have these means, in words; empty where some may have."""
        beyond = (cells < -(2**BITS)) | (cells > 2**BITS)
        return "a mean lies beyond -1 to 1" if beyond.any() else ""


def rounded_pairs(count: float) -> int:
    """A number of pairs to two significant digits."""
    whole = round(count)
    unit = int(10 ** max(0, len(str(whole)) - 2))
    return (whole + unit // 2) // unit * unit
