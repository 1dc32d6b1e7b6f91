"""What an encoder is worth on a platform, as a number that may be averaged over platforms.

The mean of logarithms is that of a geometric mean: a change by a tenth counts the same whether a platform's users are
easy to please or not.
"""

import math

LEAST_VALIDATION = 1e-4
"""a smaller NDCG@10 is told as 0"""


def level_of(value: float) -> float:
    """0 to 1 for an NDCG@10 of ``LEAST_VALIDATION`` and below to 1."""
    return 1 - math.log(min(max(value, LEAST_VALIDATION), 1.0)) / math.log(LEAST_VALIDATION)


def value_at(level: float) -> float:
    """The NDCG@10 of a level, the inverse of ``level_of``."""
    return math.pow(LEAST_VALIDATION, 1 - min(max(level, 0.0), 1.0))
