"""What an aggregation is: it keeps its state from round to round and takes the server's step in each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from server.aggregation.server_optimiser import Update
from shared.federation.config import RoundsConfig


class Aggregation(Protocol):
    """Made once for a run; P numbers in an encoder."""

    def step(
        self, encoder: NDArray[np.float32], updates: Sequence[Update], *, round_number: int
    ) -> NDArray[np.float32]:
        """[P] the next encoder from the present one [P] and the platforms' updates; rounds count from 1."""
        ...


@runtime_checkable
class Resumable(Protocol):
    """An aggregation whose state can be kept, so that a run that was stopped goes on with it."""

    def state(self) -> Mapping[str, NDArray[np.float64]]:
        """What it has learnt so far, by name; empty before the first step."""
        ...

    def restore(self, state: Mapping[str, NDArray[np.float64]]) -> None:
        """Go on from what ``state`` gave."""
        ...


BuildAggregation = Callable[[RoundsConfig], Aggregation]
"""Makes the aggregation of a run."""
