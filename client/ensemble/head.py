"""The ranking head: what turns a platform's scorers into one list, in a form that outlives the process.

The scorers' own statistics are fitted anew from the platform's events; what was learnt beside them is kept here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.ensemble.calibration import Calibration
from client.ensemble.fitting import FittedStacks
from client.store.head_store import StoredHead
from shared.errors import HeadStoreError


@dataclass(frozen=True, eq=False, kw_only=True)
class RankingHead:
    """Calibrations and weights of R named columns; raises HeadStoreError where they do not fit together."""

    names: tuple[str, ...]
    """[R]"""
    calibrations: tuple[Calibration, ...]
    """[R]"""
    weights: NDArray[np.float64]
    """[R]"""

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.calibrations) == len(self.weights):
            counts = f"{len(self.names)} names, {len(self.calibrations)} calibrations, {len(self.weights)} weights"
            raise HeadStoreError(f"a ranking head needs as many of each; found {counts}")
        if not np.isfinite(self.weights).all():
            raise HeadStoreError("a ranking head's weights must be finite")

    @classmethod
    def chosen(cls, stacks: FittedStacks, method: str) -> "RankingHead":
        """The head that a platform serves under a method."""
        weights = stacks.chosen[method].weights
        return cls(names=stacks.panel.names, calibrations=stacks.panel.calibrations, weights=weights)

    def to_stored(self) -> StoredHead:
        """As a record of the head store."""
        calibrations = [calibration.to_json() for calibration in self.calibrations]
        facts = {"columns": list(self.names), "calibrations": calibrations}
        return StoredHead(arrays={"weights": self.weights}, facts=facts)

    @classmethod
    def from_stored(cls, stored: StoredHead) -> "RankingHead":
        """The inverse of ``to_stored``; raises HeadStoreError for a record of another kind."""
        try:
            return cls(
                names=tuple(map(str, stored.facts["columns"])),
                calibrations=tuple(Calibration.from_json(one) for one in stored.facts["calibrations"]),
                weights=stored.arrays["weights"].astype(np.float64),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise HeadStoreError(f"the record is no ranking head: {error}") from error
