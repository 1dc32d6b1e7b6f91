"""Numbers of pairs in buckets, so that a sum of one-hot vectors tells their median and not whose is whose."""

import math

OCTAVE = 8
"""buckets between a number and its double: its middle is at most 4.5 % off"""
BUCKETS = 44 * OCTAVE
"""up to the largest number of pairs (``MOST_PAIRS``), times 16"""


def bucket_of(pairs: float) -> int:
    """0 of 1 and fewer; what is more than the last holds stands in the last."""
    return min(max(math.floor(OCTAVE * math.log2(max(pairs, 1.0))), 0), BUCKETS - 1)


def middle_of(bucket: int) -> float:
    """What stands for a bucket's numbers."""
    return float(2 ** ((bucket + 0.5) / OCTAVE))
