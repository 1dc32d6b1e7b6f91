"""What a release under noise is worth, from cells that were measured (docs/results/privacy.md).

The more users for the noise, the more is left: what counts is users / σ. A hashed text's vector has more directions
than one of a text model, so it takes more users.
"""

from bisect import bisect_right
from itertools import pairwise

HASHED = "hashing"
Curve = tuple[tuple[float, float], ...]
"""(users / σ, share of the gain in log-likelihood that is left), rising"""
_DENSE_CURVE: Curve = (
    (0.0, 0.0),
    (430.0, 0.23),
    (810.0, 0.43),
    (1_500.0, 0.65),
    (2_750.0, 0.83),
    (18_400.0, 0.98),
    (75_000.0, 1.0),
)
_HASHED_CURVE: Curve = (
    (0.0, 0.0),
    (2_800.0, 0.39),
    (5_400.0, 0.57),
    (10_000.0, 0.71),
    (18_400.0, 0.82),
    (27_400.0, 0.84),
    (75_000.0, 0.95),
    (300_000.0, 1.0),
)
_PAYS = {True: 30_000.0, False: 900.0}
"""Users / σ from which on a ranking gains too, of hashed texts and of others."""
TRIED_ROUNDS = 39_000
"""Users of the largest platform on which training under noise was tried, and did not pay (docs/decisions/0041)."""


def share_kept(users: int, noise: float, space: str) -> float:
    """How much of the gain in log-likelihood a cross moment keeps under noise.

    Interpolated between what was measured.

    Args:
        users: who give to the cross moment.
        noise: spread σ of the noise.
        space: the feature space's name.

    Returns:
        the share of the gain that is left.
    """
    curve = _HASHED_CURVE if space == HASHED else _DENSE_CURVE
    at = users / noise
    place = bisect_right([x for x, _ in curve], at)
    if place == len(curve):
        return curve[-1][1]
    (left, low), (right, high) = list(pairwise(curve))[place - 1]
    return low + (high - low) * (at - left) / (right - left)


def pays(users: int, noise: float, space: str) -> bool:
    """Whether rankings gain from a release of so many users under this noise.

    Args:
        users: who give to the release.
        noise: spread σ of the noise.
        space: the feature space's name.

    Returns:
        true where they do.
    """
    return users / noise >= _PAYS[space == HASHED]


def fewest_that_pay(noise: float, space: str) -> int:
    """Users from whom on a release pays.

    Args:
        noise: spread σ of the noise.
        space: the feature space's name.

    Returns:
        number of users.
    """
    return round(_PAYS[space == HASHED] * noise)
