"""Ragged lists in one flat array: list k lies at ``offsets[k]:offsets[k + 1]``. So do a sparse matrix's rows."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray


def offsets_of(lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """[k + 1] where lists of these lengths [k] begin and end when they lie one after the other."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def stretches(starts: NDArray[np.integer], lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """[sum(lengths)] the places start, start + 1, ... of every stretch in turn; ``starts`` and ``lengths`` [k]."""
    before = np.cumsum(lengths) - lengths
    return np.asarray(np.repeat(starts - before, lengths) + np.arange(int(lengths.sum())), np.int64)


_SHORT = np.iinfo(np.int32).max


def sparse_rows(
    values: NDArray[np.float32], columns: NDArray[Any], offsets: NDArray[Any], shape: tuple[int, int]
) -> sp.csr_array:
    """[m, n]; row k has ``values`` [E] at ``columns`` [E] from ``offsets[k]`` to ``offsets[k + 1]``.

    Indices of four bytes wherever they fit: half of the memory, and a product of matrices whose indices differ in
    width converts the larger one each time.
    """
    width = np.int32 if max(len(values), *shape) <= _SHORT else np.int64
    return sp.csr_array((values, columns.astype(width, copy=False), offsets.astype(width, copy=False)), shape=shape)
