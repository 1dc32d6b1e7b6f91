"""Ragged lists in one flat array: list k lies at ``offsets[k]:offsets[k + 1]``."""

import numpy as np
from numpy.typing import NDArray


def offsets_of(lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """[k + 1] where lists of these lengths [k] begin and end when they lie one after the other."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def stretches(starts: NDArray[np.integer], lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """The places start, start + 1, ... of every stretch in turn.

    Args:
        starts: [k] first place of each stretch.
        lengths: [k] places of each stretch.

    Returns:
        [sum(lengths)] places.
    """
    before = np.cumsum(lengths) - lengths
    return np.asarray(np.repeat(starts - before, lengths) + np.arange(int(lengths.sum())), np.int64)
