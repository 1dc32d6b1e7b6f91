"""Gaussian noise from the system's cryptographic source, on a grid.

Which doubles a sampler reaches, and what is left of them in a sum, differs with the true value and can give it away
(Mironov 2012). So what leaves is the cell of a grid in which value and noise lie, and no double. A cell is a sixteenth
of the noise's spread. Each draw is of 64 bits, so a cell's probability is off by 2⁻⁶⁴; a matrix of 525,000 numbers
tells two neighbouring data sets apart by less than 10⁻⁷ more in ε than real noise would.
"""

import os

import numpy as np
from numpy.typing import NDArray

from shared.privacy.gaussian_draws import Draw, gaussian
from shared.privacy.grid import cells_of

Float64 = NDArray[np.float64]


def noised(values: Float64, sigma: float, draw: Draw = os.urandom) -> NDArray[np.int32]:
    """The cells in which values plus noise lie (shared/privacy/grid.py).

    Args:
        values: in any shape.
        sigma: spread of the noise; a cell is a sixteenth of it.
        draw: gives random bytes; by default the system's cryptographic source.

    Returns:
        cells, of the shape of ``values``.
    """
    return cells_of(values + sigma * gaussian(values.shape, draw), sigma)
