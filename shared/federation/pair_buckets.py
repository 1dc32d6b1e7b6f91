"""Numbers of pairs in buckets, so that a sum of one-hot vectors tells their median and not whose is whose."""

import math

OCTAVE = 8
"""buckets between a number and its double: its middle is at most 4.5 % off"""
BUCKETS = 44 * OCTAVE
"""of a vector: up to the largest number of pairs (``MOST_PAIRS``), times 16"""


def bucket_of(pairs: float) -> int:
    """Of a number above 0; twice the number stands ``OCTAVE`` further."""
    return math.floor(OCTAVE * math.log2(pairs))


def middle_of(bucket: int) -> float:
    """What stands for a bucket's numbers."""
    return math.pow(2.0, (bucket + 0.5) / OCTAVE)
