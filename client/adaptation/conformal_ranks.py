"""Where each observation stands among all before it: uniform and independent as long as nothing changes.

Smoothed conformal p-values (Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World, 2005, theorem 8.2): for
exchangeable observations of any distribution p_1, p_2, ... are independent and uniform, exactly. Nobody has to know
what a usual value is. N observations, C columns.
"""

from bisect import bisect_left, bisect_right, insort

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def p_values(observations: Floats, ties: Floats) -> Floats:
    """p_n = (those among the first n that are greater + tie_n · those that are equal, itself included) / n.

    Args:
        observations: [N, C] in the order in which they came.
        ties: [N, C] uniform draws from 0 to 1, of each observation its own.

    Returns:
        [N, C] from 0 to 1; small where a value is large for its column.
    """
    ranked = np.empty(observations.shape)
    for column, values in enumerate(observations.T.tolist()):
        before: list[float] = []
        for number, value in enumerate(values):
            insort(before, value)
            below, upto = bisect_left(before, value), bisect_right(before, value)
            ranked[number, column] = (number + 1 - upto + ties[number, column] * (upto - below)) / (number + 1)
    return ranked
