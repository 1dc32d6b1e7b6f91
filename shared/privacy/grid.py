"""The grid on which numbers under noise leave: cells, of which ``CELLS`` are as wide as one spread of the noise."""

import numpy as np
from numpy.typing import NDArray

CELLS = 16
MOST_CELL = 2**23
"""Cells beyond it are not told apart: half a million spreads of noise, which no sum over users reaches."""


def cells_of(values: NDArray[np.float64], sigma: float) -> NDArray[np.int32]:
    """The cells in which values lie.

    Args:
        values: of any shape.
        sigma: spread of the noise, in the unit of ``values``, above 0; ``CELLS`` cells are as wide.

    Returns:
        Cells of the same shape, none beyond ``MOST_CELL`` on either side.
    """
    return np.clip(np.floor(values * (CELLS / sigma)), -MOST_CELL, MOST_CELL).astype(np.int32)


def middles(cells: NDArray[np.int32], sigma: float) -> NDArray[np.float64]:
    """The values in the middle of cells.

    Args:
        cells: of any shape.
        sigma: spread of the noise, in the unit of the values; ``CELLS`` cells are as wide.

    Returns:
        Values of the same shape.
    """
    return np.asarray((cells + 0.5) * (sigma / CELLS), np.float64)
