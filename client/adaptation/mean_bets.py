"""Whether a mean lies above a level, told at any moment: bets on values from 0 to 1.

Wealth Π (1 + λ_t (x_t − m)) with λ_t ≥ 0 told by what came before is a test supermartingale where each mean, given the
past, is m at most (Waudby-Smith, Ramdas: Estimating means of bounded random variables by betting, JRSS B 2024; λ_t is
their approximate Kelly bet, cut off at half of what could lose all). Ville: it ever reaches 1/α with probability α at
most.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_BOLDNESS = 0.5
"""of the bet under which a value of 0 would lose all"""


def wealth_above(values: Floats, level: float) -> Floats:
    """The wealth after each value of who bets that the mean lies above a level.

    Args:
        values: [N] from 0 to 1.
        level: m, above 0 and below 1.

    Returns:
        [N] above 0.
    """
    before = np.concatenate([[0.5], values])[:-1]
    counts = np.arange(1, len(values) + 1)
    means = np.cumsum(before) / counts
    spreads = np.cumsum(np.concatenate([[0.25], (values - np.append(means[1:], means[-1:])) ** 2])[:-1]) / counts
    edges = means - level
    bets = np.clip(edges / (spreads + edges**2), 0.0, _BOLDNESS / level)
    wealth: Floats = np.exp(np.cumsum(np.log1p(bets * (values - level))))
    return wealth


def wealth_below(values: Floats, level: float) -> Floats:
    """The same of who bets that it lies below.

    Args:
        values: [N] from 0 to 1.
        level: m, above 0 and below 1.

    Returns:
        [N] above 0.
    """
    return wealth_above(1 - values, 1 - level)
