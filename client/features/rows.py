"""Matrices row by row: sparse ones whose indices all are of one width, and vectors scaled to length 1."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

_SHORT = np.iinfo(np.int32).max
_PADDED = 1_000_000
"""values whose largest are looked for at once"""


def sparse_rows(
    values: NDArray[np.floating], columns: NDArray[Any], offsets: NDArray[Any], shape: tuple[int, int]
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


def blocks_of(work: NDArray[np.floating], most: float = 8_000_000) -> list[tuple[int, int]]:
    """Stretches of rows of at most so much work each; a row of more is one of its own.

    Args:
        work: [n] of each row.
        most: of a stretch.

    Returns:
        The first row of each stretch, and the row after its last.
    """
    blocks, begin, total = [], 0, 0.0
    for row, of_row in enumerate(work.tolist()):
        if row > begin and total + of_row > most:
            blocks.append((begin, row))
            begin, total = row, 0.0
        total += of_row
    return [*blocks, (begin, len(work))] if len(work) else blocks


def largest(matrix: sp.csr_array, count: int, *, by_size: bool = False) -> sp.csr_array:
    """The largest values of each row.

    Args:
        matrix: [m, n], each entry once.
        count: values of a row that are kept at most; a 0 is none.
        by_size: whether a value far below 0 counts as large.

    Returns:
        [m, n] sparse.
    """
    matrix.eliminate_zeros()
    lengths = np.diff(matrix.indptr)
    many = np.flatnonzero(lengths > count)
    is_large = np.repeat(lengths <= count, lengths)
    order = np.abs(matrix.data) if by_size else matrix.data
    left = many[np.argsort(lengths[many])]
    while len(left):
        width = int(lengths[left[-1]])
        rows = left[-max(1, _PADDED // width) :]
        left = left[: -len(rows)]
        starts = matrix.indptr[rows].astype(np.int64)[:, None]
        places = np.arange(width)
        there = places < lengths[rows, None]
        values = order[np.minimum(starts + places, len(order) - 1)]
        values[~there] = -np.inf
        best = np.argpartition(values, width - count, axis=1)[:, width - count :]
        is_large[(starts + best).ravel()] = True
    offsets = np.concatenate([[0], np.cumsum(is_large)])[matrix.indptr]
    return sparse_rows(matrix.data[is_large], matrix.indices[is_large], offsets, matrix.shape)


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """[n, D] to [n, D]: each row of length 1; a zero row stays zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
    return scaled


def unit_sparse_rows(queries: sp.csr_array) -> sp.csr_array:
    """[Q, G] sparse, in place: rows of length 1, or 0."""
    norms = np.sqrt(np.maximum((queries * queries).sum(axis=1), np.finfo(np.float32).tiny)).astype(np.float32)
    queries.data /= np.repeat(norms, np.diff(queries.indptr))
    return queries
