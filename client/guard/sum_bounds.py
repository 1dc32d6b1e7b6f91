"""What a platform's vector is cut to before it is masked: afterwards nobody can see how large it was."""

import numpy as np
from numpy.typing import NDArray


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
