"""Normal numbers from random bytes, each from 64 bits by the inverse of the distribution function."""

import os
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Draw = Callable[[int], bytes]
"""Gives so many random bytes."""
FARTHEST = 9.2
"""No number lies beyond it, on either side."""


def gaussian(shape: tuple[int, ...], draw: Draw = os.urandom) -> NDArray[np.float64]:
    """Standard normal numbers of this shape.

    One bit is the sign, so that both tails are equally fine: the last number of each is beyond 9.

    Args:
        shape: of the array.
        draw: source of random bytes, of which each number takes 8.

    Returns:
        Numbers of ``shape``, none beyond ``FARTHEST``.
    """
    from scipy.special import ndtri  # which a device that draws nothing has no need of

    bits = np.frombuffer(draw(8 * int(np.prod(shape))), "<u8")
    lower = ((bits >> np.uint64(1)).astype(np.float64) + 0.5) * 2.0**-64
    return np.asarray(np.where(bits & np.uint64(1), 1.0, -1.0) * ndtri(lower), np.float64).reshape(shape)
