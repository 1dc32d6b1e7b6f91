"""What a platform's vector is cut to before it is masked: afterwards nobody can see how large it was."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from shared.errors import SumRefused
from shared.federation.sum_weights import is_outweighed


def within_bounds(values: NDArray[np.float64], norm: float, bound: float) -> NDArray[np.float64]:
    """[P] the vector scaled down to ``norm`` where it is longer, then each number cut to ``bound``.

    Args:
        values: [P] what was trained or counted.
        norm: the longest vector that may enter the sum; 0 sets no limit.
        bound: the largest size of a number.
    """
    length = float(np.linalg.norm(values))
    share = norm / length if 0 < norm < length else 1.0
    return np.clip(share * values, -bound, bound)


def require_outweighed(party: str, weights: Mapping[str, float], parties: tuple[str, ...], least_parties: int) -> None:
    """Raises SumRefused where a sum of these parties could be next to the vector of one of them.

    Args:
        party: this one.
        weights: how much each counts.
        parties: all of the set-up.
        least_parties: of the site policy.
    """
    if set(weights) != set(parties):
        raise SumRefused("expected a weight for each platform of the set-up, and for no other; found others")
    if not is_outweighed(party, weights, least_parties):
        expected = f"at least {(least_parties - 1) / 2:g} times the weight of this platform in those that may stay"
        raise SumRefused(f"expected {expected}; found less: the sum would tell this platform's vector")
