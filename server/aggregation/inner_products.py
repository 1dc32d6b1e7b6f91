"""How far platforms' vectors point the same way: all that a robust sum and a run's history need of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class InnerProducts:
    """Of the vectors of k platforms."""

    names: tuple[str, ...]
    """in their order"""
    table: Float64
    """[k, k]"""

    @classmethod
    def between(cls, platforms: Iterable[str], product: Callable[[str, str], float]) -> Self:
        """Of these platforms, by what tells the inner product of two of them.

        Args:
            platforms: names of the k platforms, in any order; they are sorted.
            product: gives the inner product of the vectors of two platforms, by their names; it is asked once for each
                pair, and once for each platform with itself.

        Returns:
            Inner products [k, k] in the order of names.
        """
        names = tuple(sorted(platforms))
        table = np.zeros((len(names), len(names)))
        for row, name in enumerate(names):
            for column, other in enumerate(names[: row + 1]):
                table[row, column] = table[column, row] = product(name, other)
        return cls(names=names, table=table)

    def only(self, names: Iterable[str]) -> Self:
        """Of these platforms alone."""
        chosen = tuple(sorted(names))
        places = [self.names.index(name) for name in chosen]
        return replace(self, names=chosen, table=self.table[np.ix_(places, places)])

    @property
    def lengths(self) -> Float64:
        """[k]."""
        return np.sqrt(np.diag(self.table))

    def cosines(self) -> dict[str, dict[str, float]]:
        """Platform to platform to the cosine of their vectors; 0 with an empty one.

        Every pair of two stands in it both ways.
        """
        both = np.outer(self.lengths, self.lengths)
        table = np.divide(self.table, both, out=np.zeros_like(both), where=both > 0)
        return {
            name: {other: float(table[row, column]) for column, other in enumerate(self.names) if other != name}
            for row, name in enumerate(self.names)
        }
