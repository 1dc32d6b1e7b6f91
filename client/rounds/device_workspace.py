"""What a device works on in a round: the catalogue that it was given, and one user's events."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shared.feature_space import FeatureSpace


@dataclass(frozen=True, eq=False, kw_only=True)
class DeviceCatalogue:
    """The platform's items as its devices have them, the same on all."""

    space: FeatureSpace
    features: NDArray[np.float32]
    """[n, D] vectors of length 1"""


class LeftOut(Protocol):
    """Where a device keeps what its updates left out (error feedback)."""

    def read(self) -> NDArray[np.float32] | None:
        """[S] of the sequence part's change; None where nothing waits."""
        ...

    def write(self, change: NDArray[np.float32]) -> None:
        """Keep what the update of now left out, [S], in place of what was read."""
        ...


@dataclass(frozen=True, eq=False, kw_only=True)
class DeviceWorkspace:
    """One device."""

    catalogue: DeviceCatalogue
    history: NDArray[np.int32]
    """rows of the catalogue, oldest first: what may be trained on"""
    seed: int
    """of its own draws, another than other devices'"""
    left_out: LeftOut | None = None
    """None: what updates leave out is lost"""
    users: int = 1
    """whose events stand behind an answer"""

    @property
    def space(self) -> FeatureSpace:
        """Which vectors its items have."""
        return self.catalogue.space

    @property
    def n_items(self) -> int:
        """N."""
        return len(self.catalogue.features)
