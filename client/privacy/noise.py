"""Gaussian noise from the system's cryptographic source, on a grid.

Which doubles a sampler reaches, and what is left of them in a sum, differs with the true value and can give it away
(Mironov 2012). So what leaves is the cell of a grid in which value and noise lie, and no double. A cell is a sixteenth
of the noise's spread. Each draw is of 64 bits, so a cell's probability is off by 2⁻⁶⁴; a matrix of 525,000 numbers
tells two neighbouring data sets apart by less than 10⁻⁷ more in ε than real noise would.
"""

import os
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from shared.privacy.grid import cells_of

Draw = Callable[[int], bytes]
"""Gives so many random bytes."""
Float64 = NDArray[np.float64]


def noised(values: Float64, sigma: float, draw: Draw = os.urandom) -> NDArray[np.int32]:
    """The cells in which ``values`` plus noise of spread ``sigma`` lie, of their shape (shared/privacy/grid.py)."""
    return cells_of(values + sigma * gaussian(values.shape, draw), sigma)


def gaussian(shape: tuple[int, ...], draw: Draw = os.urandom) -> Float64:
    """Standard normal numbers of this shape, each from 64 random bits by the inverse of the distribution function.

    One bit is the sign, so that both tails are equally fine: the last number of each is beyond 9.
    """
    bits = np.frombuffer(draw(8 * int(np.prod(shape))), "<u8")
    lower = ((bits >> np.uint64(1)).astype(np.float64) + 0.5) * 2.0**-64
    return np.asarray(np.where(bits & np.uint64(1), 1.0, -1.0) * ndtri(lower), np.float64).reshape(shape)
