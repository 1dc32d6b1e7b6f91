"""The ranking head: what turns a platform's scorers into one list, in a form that outlives the process.

The scorers' own statistics are fitted anew from the platform's events; what was learnt beside them is kept here.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.ensemble.calibration import Calibration
from client.ensemble.ensemble import Ensemble
from client.ensemble.fitting import FittedStacks
from client.ensemble.gaps import Gaps
from client.store.head_store import StoredRecord
from shared.errors import HeadStoreError

_EDGES = "gap_edges"
"""Fact of a record: seconds. One that was written before weights could shift has none."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RankingHead:
    """Calibrations and weights of R named columns; raises HeadStoreError where they do not fit together.

    Weights may shift with the gap since a user's last event, of which there are K steps.
    """

    names: tuple[str, ...]
    """[R]"""
    calibrations: tuple[Calibration, ...]
    """[R]"""
    weights: NDArray[np.float64]
    """[R], or [1 + K, R]: where the gap is not known, then at each gap"""
    gaps: Gaps = field(default_factory=Gaps)

    def __post_init__(self) -> None:
        width = self.weights.shape[-1]
        if not len(self.names) == len(self.calibrations) == width:
            counts = f"{len(self.names)} names, {len(self.calibrations)} calibrations, {width} weights"
            raise HeadStoreError(f"a ranking head needs as many of each; found {counts}")
        if len(self.by_gap) not in {1, 1 + self.gaps.count}:
            detail = f"found {len(self.by_gap)} of {self.gaps.count} gaps"
            raise HeadStoreError(f"a ranking head needs one row of weights, or one more than it has gaps; {detail}")
        if not np.isfinite(self.weights).all():
            raise HeadStoreError("a ranking head's weights must be finite")

    @property
    def by_gap(self) -> NDArray[np.float64]:
        """[1 + K, R], or [1, R] where weights do not depend on the gap."""
        return np.atleast_2d(self.weights)

    @classmethod
    def chosen(cls, stacks: FittedStacks, method: str) -> "RankingHead":
        """The head that a platform serves under a method.

        Args:
            stacks: the fitted ones.
            method: one of those that a stack was chosen for.

        Returns:
            The head, of all columns of the ensemble.
        """
        return cls.of(stacks.ensemble, stacks.chosen[method].by_gap)

    @classmethod
    def of(cls, ensemble: Ensemble, weights: NDArray[np.float64]) -> "RankingHead":
        """Of an ensemble under given weights.

        Args:
            ensemble: names, calibrations and gaps.
            weights: [1, R], or [1 + K, R] where they depend on the gap.

        Returns:
            The head; without gaps where the weights do not depend on them.

        Raises:
            HeadStoreError: if the weights do not fit the ensemble, or are not finite.
        """
        shifts = len(weights) > 1
        return cls(
            names=ensemble.names,
            calibrations=ensemble.calibrations,
            weights=weights if shifts else weights[0],
            gaps=ensemble.gaps if shifts else Gaps(),
        )

    def to_stored(self) -> StoredRecord:
        """As a record of the head store."""
        calibrations = [calibration.to_json() for calibration in self.calibrations]
        facts: dict[str, Any] = {"columns": list(self.names), "calibrations": calibrations}
        if self.gaps.edges:
            facts[_EDGES] = list(self.gaps.edges)
        return StoredRecord(arrays={"weights": self.weights}, facts=facts)

    @classmethod
    def from_stored(cls, stored: StoredRecord) -> "RankingHead":
        """The inverse of ``to_stored``; raises HeadStoreError for a record of another kind."""
        try:
            return cls(
                names=tuple(map(str, stored.facts["columns"])),
                calibrations=tuple(Calibration.from_json(calibration) for calibration in stored.facts["calibrations"]),
                weights=stored.arrays["weights"].astype(np.float64),
                gaps=Gaps(edges=tuple(map(float, stored.facts.get(_EDGES, ())))),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise HeadStoreError(f"the record is no ranking head: {error}") from error
