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

CodeBits = Literal[4, 8, 16]
HALF_BYTE = 4
_LOWER = 0xF
LEAST, MOST = -64, 15
"""exponents of a group's power of two"""
NOT_FINITE = "training must leave finite numbers; found others, as too high a learning rate leaves them"
Codes = NDArray[np.int8] | NDArray[np.int16]


@dataclass(frozen=True, eq=False, kw_only=True)
class CellGrid:
    """How [S] numbers in G groups lie in one flat array [F]: all codes, then an exponent a group.

    Codes of 4 bits lie two a byte, the first of two in the lower half; F is S + G, or ⌈S / 2⌉ + G for those.
    """

    name: str
    lengths: NDArray[np.int64]
    """[G]."""
    code_bits: CodeBits
    """of a number"""

    @property
    def size(self) -> int:
        """S."""
        return int(self.lengths.sum())

    @property
    def dtype(self) -> Literal["int8", "int16"]:
        """In which codes and exponents lie."""
        return "int16" if self.code_bits == 16 else "int8"

    @cached_property
    def layout(self) -> Layout:
        """Of codes and exponents."""
        size = -(-self.size // 2) if self.code_bits == HALF_BYTE else self.size
        codes = ArraySpec(name=f"{self.name}.codes", shape=(size,), dtype=self.dtype)
        return Layout((codes, ArraySpec(name=f"{self.name}.exponents", shape=(len(self.lengths),), dtype=self.dtype)))

    @cached_property
    def levels(self) -> int:
        """The largest code."""
        return int(2 ** (self.code_bits - 1) - 1)

    @property
    def bits(self) -> float:
        """log2 of the number of flat arrays without a fault."""
        exponents, cells, finer = MOST - LEAST + 1, 2 * self.levels + 1, 2 * (self.levels // 2) + 1
        shares = exponents - (exponents - 1) * (finer / cells) ** self.lengths.astype(np.float64)
        return self.size * math.log2(cells) + float(np.log2(shares).sum())

    def nearest(self, values: NDArray[np.float64]) -> Codes:
        """[F] the cells of ``values`` [S]; half a power of two of its group is the most that any number is off.

        Raises GraftError where they are not finite.
        """
        exponents = self._exponents(values)
        codes = np.rint(np.ldexp(values, -np.repeat(exponents, self.lengths))).clip(-self.levels, self.levels)
        return self._flat(codes.astype(self.dtype), exponents)

    def drawn(self, values: NDArray[np.float64], rng: np.random.Generator) -> Codes:
        """Cells beside the values, drawn so that on average they stand for the values (stochastic rounding).

        Args:
            values: [S] of which none is beyond the grid's last.
            rng: draws for each number whether it goes up or down.

        Returns:
            [F]; a power of two of its group is the most that any number is off.

        Raises:
            GraftError: if a value is not finite.
        """
        exponents = np.repeat(self._exponents(values), self.lengths)
        codes = np.floor(np.ldexp(values, -exponents) + rng.random(len(values))).clip(-self.levels, self.levels)
        return self.nearest(np.ldexp(codes, exponents))

    def _exponents(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """[G] the least in which the groups' numbers have codes; raises GraftError where one is not finite."""
        if not np.isfinite(values).all():
            raise GraftError(NOT_FINITE)
        share, exponents = np.frexp(self._largest(np.abs(values)))
        bits = self.levels.bit_length()
        exponents = np.where(share * (self.levels + 1) > self.levels, exponents + 1, exponents) - bits
        return np.where(share > 0, exponents, LEAST).clip(LEAST, MOST)

    def values(self, flat: Codes) -> NDArray[np.float32]:
        """The numbers that cells stand for, exactly.

        Args:
            flat: [F] codes, then an exponent a group.

        Returns:
            [S].

        Raises:
            ValueError: if length or dtype differ from the layout's.
        """
        codes, exponents = self._codes(flat)
        return np.ldexp(codes.astype(np.float32), np.repeat(exponents.astype(np.int32), self.lengths))

    def fault(self, flat: Codes) -> str:
        """Why no numbers have these cells.

        Args:
            flat: [F] codes, then an exponent a group.

        Returns:
            The reason, in words; empty where some numbers have them.

        Raises:
            ValueError: if length or dtype differ from the layout's.
        """
        codes, exponents = self._codes(flat)
        if self.code_bits == HALF_BYTE and self.size % 2 and flat[self.size // 2] >> HALF_BYTE:
            return "the half byte behind the last number is not 0"
        if (codes < -self.levels).any():
            return f"a code lies beyond {self.levels}"
        if ((exponents < LEAST) | (exponents > MOST)).any():
            return f"an exponent lies beyond {LEAST} to {MOST}"
        coarse = self._largest(np.abs(codes)) <= self.levels // 2
        return "an exponent is larger than its numbers need" if (coarse & (exponents > LEAST)).any() else ""

    def _flat(self, codes: Codes, exponents: NDArray[np.int64]) -> Codes:
        if self.code_bits == HALF_BYTE:
            pairs = np.pad(codes, (0, len(codes) % 2)).astype(np.uint8).reshape(-1, 2) & _LOWER
            codes = (pairs[:, 0] | pairs[:, 1] << HALF_BYTE).view(np.int8)
        return np.concatenate([codes, exponents.astype(self.dtype)])

    def _codes(self, flat: Codes) -> tuple[Codes, Codes]:
        """[S] codes and [G] exponents; raises ValueError if length or dtype differ from the layout's."""
        codes, exponents = unflatten(self.layout, flat).values()
        if self.code_bits == HALF_BYTE:
            halves = np.stack([codes << HALF_BYTE, codes], 1).reshape(-1)[: self.size]
            codes = halves >> HALF_BYTE
        return codes, exponents

    def _largest(self, sizes: NDArray[Any]) -> NDArray[Any]:
        """[G]."""
        largest: NDArray[Any] = np.maximum.reduceat(sizes, self._starts)
        return largest

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        """[G] where each group's numbers begin."""
        return np.cumsum(self.lengths) - self.lengths
