"""The Gaussian mechanism: which spread of noise a promise asks for, and which promise a spread keeps.

Accounted by Google's dp-accounting, under adding or removing one user. That library takes more than a second to import:
it is imported where a figure is wanted.
"""

import math
from collections.abc import Iterable

from shared.errors import ConfigError

MOST_EPSILON = 100.0


def noise_for(epsilon: float, delta: float) -> float:
    """The least spread of noise under which one release of sensitivity 1 is (ε, δ)-private (Balle and Wang 2018).

    Args:
        epsilon: ε, above 0 and at most 100.
        delta: δ, a chance between 0 and 1.

    Returns:
        The spread (standard deviation), as a multiple of the sensitivity.

    Raises:
        ConfigError: if ε or δ is out of its bounds.
    """
    if not (0 < epsilon <= MOST_EPSILON and 0 < delta < 1):
        bounds = f"epsilon above 0 and at most {MOST_EPSILON:g}, and delta between 0 and 1"
        raise ConfigError(f"expected {bounds}; got {epsilon:g} and {delta:g}")
    from dp_accounting import get_sigma_gaussian

    return float(get_sigma_gaussian(epsilon, delta))


def weight_of(sigma: float) -> float:
    """1/σ²: weights of several releases add up to that of one (Dong, Roth and Su 2022, corollary 3.3)."""
    return sigma**-2


def epsilon_of(weight: float, delta: float) -> float:
    """The ε at δ of releases whose weights add up to ``weight``.

    Args:
        weight: Σ 1/σ² of the releases (``weight_of``).
        delta: δ, a chance between 0 and 1.

    Returns:
        ε; 0 for no release.
    """
    if weight <= 0:
        return 0.0
    from dp_accounting import get_epsilon_gaussian

    return float(get_epsilon_gaussian(weight**-0.5, delta))


def noise_of_sum(sigmas: Iterable[float]) -> float:
    """The spread of a sum of independent noises."""
    return math.sqrt(sum(sigma**2 for sigma in sigmas))
