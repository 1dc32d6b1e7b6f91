"""How far the platforms' updates of a round point the same way."""

from collections.abc import Sequence

import numpy as np

from server.aggregation.server_optimiser import Update


def cosines(updates: Sequence[Update]) -> dict[str, dict[str, float]]:
    """Platform to platform to the cosine of their differences, every pair of two both ways; 0 with an empty one."""
    stacked = np.stack([update.difference for update in updates]) if updates else np.zeros((0, 1))
    norms = np.linalg.norm(stacked, axis=1, keepdims=True)
    units = np.divide(stacked, norms, out=np.zeros_like(stacked), where=norms > 0)
    table = units @ units.T
    names = [update.name for update in updates]
    return {
        one: {other: float(table[row, column]) for column, other in enumerate(names) if other != one}
        for row, one in enumerate(names)
    }
