"""Moments in a secure sum: their means times a weight, then a one in the bucket of pairs over that weight."""

import numpy as np
from numpy.typing import NDArray

from client.guard.sum_bounds import within_bounds
from shared.encoder.linear import Moments
from shared.federation.moment_cells import MomentGrid, rounded_pairs
from shared.federation.pair_buckets import BUCKETS, bucket_of


def moment_numbers_of(moments: Moments, weight: float) -> NDArray[np.float64]:
    """The part *moments* of a vector, its means as they would travel alone.

    Args:
        moments: of a platform or a device.
        weight: how much it counts, above 0 and at most 1.

    Returns:
        [M] numbers from -1 to 1.
    """
    grid, pairs = MomentGrid(dim=moments.dim), np.zeros(BUCKETS)
    means = grid.means(grid.nearest(moments))
    pairs[min(max(bucket_of(max(rounded_pairs(moments.n), 1) / weight), 0), BUCKETS - 1)] = 1.0
    return np.concatenate([weight * within_bounds(means, 0.0, 1.0), pairs])
