"""Matrices row by row: sparse ones whose indices all are of one width, and vectors scaled to length 1."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

_SHORT = np.iinfo(np.int32).max


def sparse_rows(
    values: NDArray[np.float32], columns: NDArray[Any], offsets: NDArray[Any], shape: tuple[int, int]
) -> sp.csr_array:
    """A sparse matrix from its rows, with indices of one width.

    Indices of four bytes wherever they fit: half of the memory, and a product of matrices whose indices differ in width
    converts the larger one each time.

    Args:
        values: [E] row after row.
        columns: [E] the column of each value.
        offsets: [m + 1] row k has the values from ``offsets[k]`` to ``offsets[k + 1]``.
        shape: m rows and n columns.

    Returns:
        [m, n] matrix.
    """
    width = np.int32 if max(len(values), *shape) <= _SHORT else np.int64
    return sp.csr_array((values, columns.astype(width, copy=False), offsets.astype(width, copy=False)), shape=shape)


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """[n, D] to [n, D]: each row of length 1; a zero row stays zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
    return scaled
