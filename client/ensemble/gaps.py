"""The gap since a user's last event, by which a stack's weights shift: from what is at hand to what is liked for long.

B histories, K gaps, R columns. Weights [1 + K, R] are those of histories whose gap is not known, then those at each.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.data.sequences import Sequences
from client.ensemble.ensemble_settings import GapSettings


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """Steps of the gap; raises ValueError where the edges do not rise."""

    edges: tuple[float, ...] = ()
    """[K − 1] seconds, rising; without any, no gap is told"""

    def __post_init__(self) -> None:
        if not np.isfinite(self.edges).all() or any(b <= a for a, b in zip(self.edges, self.edges[1:], strict=False)):
            raise ValueError(f"the edges of gaps must be finite and rise; got {self.edges}")

    @classmethod
    def even(cls, seconds: NDArray[np.float64], settings: GapSettings) -> "Gaps":
        """Steps that part these gaps evenly; none where too few are known, or where two edges coincide.

        Args:
            seconds: [N] gaps, NaN where one is not known.
            settings: how many steps, and fewest known gaps.

        Returns:
            The steps; without edges where there are none.
        """
        known = np.maximum(seconds[~np.isnan(seconds)], settings.shortest)
        if len(known) < settings.least:
            return cls()
        edges = np.quantile(known, np.arange(1, settings.steps) / settings.steps)
        return cls(edges=tuple(edges.tolist())) if (np.diff(edges, append=known.max()) > 0).all() else cls()

    @property
    def count(self) -> int:
        """K; 0 where no gap is told."""
        return len(self.edges) + 1 if self.edges else 0

    def steps(self, seconds: NDArray[np.float64]) -> NDArray[np.int64]:
        """The step of each gap.

        Args:
            seconds: [B] gaps; NaN where one is not known.

        Returns:
            [B] from 1 to K; 0 where the gap is not known, or no gap is told.
        """
        if not self.edges:
            return np.zeros(len(seconds), np.int64)
        return np.where(np.isnan(seconds), 0, 1 + np.searchsorted(self.edges, seconds, side="left"))

    def of(self, histories: Sequences) -> NDArray[np.int64]:
        """The step of each history's gap.

        Args:
            histories: B histories with their times and moments.

        Returns:
            [B] as ``steps`` has them.
        """
        return self.steps(since_last(histories)) if self.edges else np.zeros(len(histories), np.int64)


def since_last(histories: Sequences) -> NDArray[np.float64]:
    """[B] seconds from each history's last event to its moment, or to now; NaN where no event has a known time."""
    moments = np.full(len(histories), time.time()) if histories.moments is None else histories.moments
    gaps = moments - histories.latest
    return np.where(np.isfinite(gaps), np.maximum(gaps, 0.0), np.nan)


def stacked(weights: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """[C, G, R] of C vectors [R], or [1 + K, R] where they depend on the gap; G is 1 where none does."""
    rows = [np.atleast_2d(vector) for vector in weights]
    shape = (max(len(row) for row in rows), rows[0].shape[1])
    return np.stack([np.broadcast_to(row, shape) for row in rows])
