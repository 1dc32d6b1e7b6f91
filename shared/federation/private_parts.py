"""What a vector holds in a sum that bears the promise's noise once.

A platform's is its cross moment, and what an encoder is worth to its users; a device's its update, brought to a length
of 1.

A user gives to one of the parts alone. To the cross moment they give a length of 1, to an evaluation less: a run has
two, which together spend the promise. There they give their NDCG@10, at most 1, and beside it a quarter for themselves,
from which the coordinator reads how many users there are: so the mean needs no number that leaves outside the sum.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.encoder.cross import triangle_size
from shared.federation.config import EVALUATIONS
from shared.federation.sum_messages import SumWork
from shared.federation.sum_vector import VectorForm

Float64 = NDArray[np.float64]
NUMBERS = 2
"""of an evaluation, which is the last part"""
_OWN = 0.25
"""what a user gives for themselves beside their NDCG@10: their length is 3 % above that of the latter alone, and the
noise in the number of users is that of four"""
_SCALE = 1 / math.sqrt(EVALUATIONS * (1 + _OWN**2))
"""by which both are multiplied, so that nobody's length is above 1 over the root of the evaluations"""


def private_length(work: SumWork) -> int:
    """P, numbers of vectors of work under noise: the cross moment's [T], then the evaluation's [2]; or an update's."""
    if "train" in work.parts:
        return VectorForm.of(work).length
    cross = triangle_size(work.encoder.spec.input_dim) if "cross" in work.parts else 0
    return cross + (NUMBERS if "evaluate" in work.parts else 0)


def evaluation_numbers(values: Float64) -> Float64:
    """[2] of each user's NDCG@10 [V], from 0 to 1."""
    return _SCALE * np.array([float(values.sum()), _OWN * len(values)])


@dataclass(frozen=True, kw_only=True)
class SummedEvaluation:
    """What the sum of such numbers says."""

    mean: float
    """NDCG@10, from 0 to 1"""
    users: float
    """how many, as the noise has it; at least 1"""
    spread: float
    """of the noise in the mean"""

    @classmethod
    def read(cls, numbers: Float64, noise: float) -> "SummedEvaluation":
        """What the sum of users' numbers says.

        Args:
            numbers: [2] the sum, with noise (``evaluation_numbers``).
            noise: spread of the noise in each number, in the unit of the numbers.

        Returns:
            The mean, brought to 0 to 1, the number of users, at least 1, and the spread of the mean.
        """
        total, users = float(numbers[0]) / _SCALE, max(float(numbers[1]) / (_SCALE * _OWN), 1.0)
        mean = min(max(total / users, 0.0), 1.0)
        spread = math.hypot(noise / _SCALE, mean * noise / (_SCALE * _OWN)) / users
        return cls(mean=mean, users=users, spread=spread)
