"""What a platform's vector is cut to before it is masked: afterwards nobody can see how large it was."""

import numpy as np
from numpy.typing import NDArray

from shared.secure_sum.terms import SumTerms


def within_bounds(values: NDArray[np.float64], norm: float, terms: SumTerms) -> NDArray[np.float64]:
    """[P] the vector scaled down to ``norm`` where it is longer, then each number cut to the bound of the terms.

    Args:
        values: [P] what was trained or counted.
        norm: the longest vector that may enter the sum; 0 sets no limit.
        terms: of the sum.
    """
    length = float(np.linalg.norm(values))
    share = norm / length if 0 < norm < length else 1.0
    return np.clip(share * values, -terms.bound, terms.bound)
