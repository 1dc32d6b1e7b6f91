"""Whatever has items that a feature space can read: a platform's catalogue, or what its impressions showed."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Items(Protocol):
    """n items."""

    @property
    def name(self) -> str:
        """Whose they are, for messages."""
        ...

    @property
    def texts(self) -> tuple[str, ...]:
        """[n]"""
        ...

    @property
    def vectors(self) -> NDArray[np.float32] | None:
        """[n, D] given vectors, or None."""
        ...
