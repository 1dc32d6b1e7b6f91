"""An aggregation of one's own: the trimmed mean, which a few platforms cannot pull far.

Yin, Chen, Ramchandran, Bartlett: Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates (2018).

    graft-sim run --plugin examples/plugins/trimmed_mean.py --methods local,federated
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from server.aggregation.server_optimiser import Update
from shared.federation.config import RoundsConfig

TRIMMED = 0.2
"""Share of the platforms that is left out at either end, number by number."""


class TrimmedMean:
    """Steps along the mean of what is left of each number after its lowest and highest updates."""

    def __init__(self, config: RoundsConfig) -> None:
        self._rate = config.server_learning_rate

    def step(
        self, encoder: NDArray[np.float32], updates: Sequence[Update], *, round_number: int
    ) -> NDArray[np.float32]:
        """[P] the next encoder; every platform counts the same."""
        del round_number  # the same step in every round
        differences = np.sort(np.stack([update.difference for update in updates]), axis=0)
        cut = int(TRIMMED * len(updates))
        kept = differences[cut : len(updates) - cut]
        return (encoder + self._rate * kept.mean(axis=0)).astype(np.float32)


AGGREGATIONS = {"trimmed-mean": TrimmedMean}
