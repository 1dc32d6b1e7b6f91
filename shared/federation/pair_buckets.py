"""Numbers of pairs in buckets, so that a sum of one-hot vectors tells their median and not whose is whose."""

import math

OCTAVE = 8
"""buckets between a number and its double: its middle is at most 4.5 % off"""
BUCKETS = 44 * OCTAVE
"""of a vector: up to the largest number of pairs (``MOST_PAIRS``), times 16"""


def bucket_of(pairs: float) -> int:
    """The bucket of a number of pairs; twice the number stands ``OCTAVE`` further.

    Args:
        pairs: the number, above 0.

    Returns:
        The bucket's number.
    """
    return math.floor(OCTAVE * math.log2(pairs))


def middle_of(bucket: int) -> float:
    """The number of pairs that stands for all of a bucket.

    Args:
        bucket: its number.

    Returns:
        The number of pairs.
    """
    return math.pow(2.0, (bucket + 0.5) / OCTAVE)
