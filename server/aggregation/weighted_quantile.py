"""Quantiles of platforms' figures: one platform moves them no further than to its neighbour's."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Values = Sequence[float] | NDArray[np.float64]


def weighted_quantile(values: Values, weights: Values, share: float) -> float:
    """The value below which this share of the weight lies, the middle of two where it ends between them.

    Args:
        values: [n], in any order; at least one.
        weights: [n], above 0.
        share: of the whole weight, from 0 to 1.

    Returns:
        One of the values, or the mean of two that are neighbours.
    """
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(np.asarray(weights, np.float64)[order])
    places = (np.searchsorted(reached, share * reached[-1], side) for side in ("left", "right"))
    return float(np.mean([values[order[min(int(place), len(order) - 1)]] for place in places]))
