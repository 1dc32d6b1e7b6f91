"""A platform's catalogue as scorers see it, whoever its users are: vectors, and each item's nearest by them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from client.features.neighbours import Neighbours, nearest


@dataclass(frozen=True, eq=False, kw_only=True)
class Catalogue:
    """n items."""

    features: NDArray[np.float32]
    """[n, D]"""
    known: Neighbours | None = None
    """the nearest items, where they were found before"""

    @cached_property
    def neighbours(self) -> Neighbours:
        """The nearest items of each; looked for at the first call, and once."""
        return nearest(self.features) if self.known is None else self.known
