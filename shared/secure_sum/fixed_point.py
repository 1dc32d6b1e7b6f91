"""Vectors in fixed point: cells of a grid, in a ring in which no sum of honest parties wraps around."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.errors import SumRefused
from shared.secure_sum.noise_parts import NoiseParts
from shared.secure_sum.ring import Ring
from shared.secure_sum.terms import SumTerms


@dataclass(frozen=True)
class FixedPoint:
    """A sum's grid and ring."""

    terms: SumTerms
    ring: Ring
    noise: NoiseParts | None

    @classmethod
    def of(cls, terms: SumTerms, parties: int) -> "FixedPoint":
        """The narrowest ring that holds whatever so many parties may send, their farthest noise too.

        Args:
            terms: of the sum.
            parties: how many the roster has.

        Returns:
            Grid and ring of the sum.

        Raises:
            ConfigError: if no ring is wide enough, or the noise does not suit the grid.
        """
        noise = NoiseParts.of(terms, parties)
        return cls(terms, Ring.holding(parties * (terms.most + (noise.most if noise else 0))), noise)

    @property
    def size(self) -> int:
        """Bytes of a masked vector."""
        return self.terms.length * self.ring.width

    def cells(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """[P] the nearest cells of ``values`` [P].

        Raises SumRefused where there are more or fewer, or one is not finite or beyond the terms' bound.
        """
        if values.shape != (self.terms.length,):
            raise SumRefused(f"expected a vector of {self.terms.length} numbers; got the shape {values.shape}")
        if not np.isfinite(values).all():
            raise SumRefused("expected finite numbers in a vector; got others")
        nearest = np.rint(np.ldexp(values.astype(np.float64), -self.terms.exponent))
        beyond = int((np.abs(nearest) > self.terms.most).sum())
        if beyond:
            raise SumRefused(f"expected numbers of at most {self.bound:g} in size; got {beyond} beyond it")
        return nearest.astype(np.int64)

    @property
    def bound(self) -> float:
        """The largest size of a party's number."""
        return self.terms.bound

    def values(self, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """[P] what cells stand for, exactly."""
        return np.asarray(np.ldexp(cells.astype(np.float64), self.terms.exponent), np.float64)
