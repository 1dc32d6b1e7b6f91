"""Moments in a secure sum: their means times a weight, then a one in the bucket of pairs over that weight."""

import numpy as np
from numpy.typing import NDArray

from client.data.sequences import Sequences
from client.guard.sum_bounds import within_bounds
from client.training.moments import platform_moments
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
    pairs[_bucket(moments.n, weight)] = 1.0
    return np.concatenate([weight * within_bounds(means, 0.0, 1.0), pairs])


def summed_moment_numbers(features: NDArray[np.float32], histories: Sequences) -> NDArray[np.float64]:
    """The parts *moments* of devices, added up: each device's means, and a one for the number of its pairs.

    Args:
        features: [n, D] rows of length 1.
        histories: of the devices, in the order of time.

    Returns:
        [M].
    """
    moments = platform_moments(features, histories, alike=True)
    pairs = np.zeros(BUCKETS)
    for count, devices in zip(*np.unique(np.maximum(histories.lengths() - 1, 0), return_counts=True), strict=True):
        pairs[_bucket(float(count), 1.0)] += devices
    return np.concatenate([moments.to_flat()[:-1], pairs])


def _bucket(pairs: float, weight: float) -> int:
    return min(max(bucket_of(max(rounded_pairs(pairs), 1) / weight), 0), BUCKETS - 1)
