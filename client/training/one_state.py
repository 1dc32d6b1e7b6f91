"""The state of one history by a trained history tower, in numpy: what a request costs is calls, not numbers."""

import numpy as np
from numpy.typing import NDArray

from shared.encoder.array_towers import ArrayTowers
from shared.encoder.towers import HistoryTower, HistoryTowers


def numbers_of(tower: HistoryTower | HistoryTowers) -> dict[str, NDArray[np.float32]]:
    """The tower's parameters by their names; they share its memory."""
    return {name: parameter.detach().numpy() for name, parameter in tower.named_parameters()}


def in_arrays(tower: HistoryTower | HistoryTowers) -> ArrayTowers:
    """The same tower over the same numbers; it must not be trained meanwhile."""
    return ArrayTowers(numbers_of(tower))
