"""Numbers as cells: whole numbers in groups, each group times a power of two; no two sets of cells mean the same.

What leaves a platform lies in cells, so that no bit of it is free: a code has no value beyond its levels, and a
group's exponent is the least that its largest number needs (``fault``). Decoding is exact in float32: the guard of a
platform and the server see the same bits.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from shared.encoder.encoder import ArraySpec, Layout, unflatten
from shared.errors import GraftError

LEAST, MOST = -64, 15
"""exponents of a group's power of two"""
NOT_FINITE = "training must leave finite numbers; found others, as too high a learning rate leaves them"
Codes = NDArray[np.int8] | NDArray[np.int16]


@dataclass(frozen=True, eq=False, kw_only=True)
class CellGrid:
    """How [S] numbers in G groups lie in one flat array [S + G]: all codes, then an exponent a group."""

    name: str
    lengths: NDArray[np.int64]
    """[G]."""
    dtype: Literal["int8", "int16"]

    @cached_property
    def layout(self) -> Layout:
        """Of codes and exponents."""
        size, groups = int(self.lengths.sum()), len(self.lengths)
        codes = ArraySpec(name=f"{self.name}.codes", shape=(size,), dtype=self.dtype)
        return Layout((codes, ArraySpec(name=f"{self.name}.exponents", shape=(groups,), dtype=self.dtype)))

    @cached_property
    def levels(self) -> int:
        """The largest code."""
        return int(np.iinfo(self.dtype).max)

    @property
    def bits(self) -> float:
        """log2 of the number of flat arrays without a fault."""
        exponents, cells, finer = MOST - LEAST + 1, 2 * self.levels + 1, 2 * (self.levels // 2) + 1
        shares = exponents - (exponents - 1) * (finer / cells) ** self.lengths.astype(np.float64)
        return float(self.lengths.sum()) * math.log2(cells) + float(np.log2(shares).sum())

    def nearest(self, values: NDArray[np.float64]) -> Codes:
        """[S + G] the cells of ``values`` [S]; half a power of two of its group is the most that any number is off.

        Raises GraftError where they are not finite.
        """
        if not np.isfinite(values).all():
            raise GraftError(NOT_FINITE)
        share, exponents = np.frexp(self._largest(np.abs(values)))
        bits = self.levels.bit_length()
        exponents = np.where(share * (self.levels + 1) > self.levels, exponents + 1, exponents) - bits
        exponents = np.where(share > 0, exponents, LEAST).clip(LEAST, MOST)
        codes = np.rint(np.ldexp(values, -np.repeat(exponents, self.lengths))).clip(-self.levels, self.levels)
        return np.concatenate([codes, exponents]).astype(self.dtype)

    def values(self, flat: Codes) -> NDArray[np.float32]:
        """The numbers that cells stand for, exactly.

        Args:
            flat: [S + G] codes, then an exponent a group.

        Returns:
            [S].

        Raises:
            ValueError: if length or dtype differ from the layout's.
        """
        codes, exponents = unflatten(self.layout, flat).values()
        return np.ldexp(codes.astype(np.float32), np.repeat(exponents.astype(np.int32), self.lengths))

    def fault(self, flat: Codes) -> str:
        """Why no numbers have these cells.

        Args:
            flat: [S + G] codes, then an exponent a group.

        Returns:
            The reason, in words; empty where some numbers have them.

        Raises:
            ValueError: if length or dtype differ from the layout's.
        """
        codes, exponents = unflatten(self.layout, flat).values()
        if (codes < -self.levels).any():
            return f"a code lies beyond {self.levels}"
        if ((exponents < LEAST) | (exponents > MOST)).any():
            return f"an exponent lies beyond {LEAST} to {MOST}"
        coarse = self._largest(np.abs(codes)) <= self.levels // 2
        return "an exponent is larger than its numbers need" if (coarse & (exponents > LEAST)).any() else ""

    def _largest(self, sizes: NDArray[Any]) -> NDArray[Any]:
        """[G]."""
        largest: NDArray[Any] = np.maximum.reduceat(sizes, self._starts)
        return largest

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        """[G] where each group's numbers begin."""
        return np.cumsum(self.lengths) - self.lengths
