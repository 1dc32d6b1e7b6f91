"""Texts and matrices as plain arrays of a record, and back."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from client.data.ragged import offsets_of
from client.data.sparse_rows import sparse_rows
from client.scorers.item_similarity import Matrix

Arrays = Mapping[str, NDArray[Any]]
"""Of a record, by name; what stands for one thing shares a name up to the last dot."""


def texts_to_arrays(name: str, texts: Sequence[str]) -> dict[str, NDArray[Any]]:
    """``name.bytes`` (UTF-8, one after the other) and ``name.offsets``."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    lengths = np.array([len(one) for one in encoded], np.int64)
    return {f"{name}.bytes": np.frombuffer(b"".join(encoded), np.uint8), f"{name}.offsets": offsets_of(lengths)}


def texts_from_arrays(name: str, arrays: Arrays) -> tuple[str, ...]:
    """The inverse of ``texts_to_arrays``; raises KeyError or ValueError for anything else."""
    flat, offsets = arrays[f"{name}.bytes"].tobytes(), arrays[f"{name}.offsets"].tolist()
    pairs = pairwise(offsets)
    return tuple(flat[start:end].decode("utf-8", "surrogatepass") for start, end in pairs)


def matrix_to_arrays(name: str, matrix: Matrix) -> dict[str, NDArray[Any]]:
    """``name.dense``, or ``name.data``, ``.indices``, ``.indptr`` and ``.shape`` of a sparse one."""
    if not isinstance(matrix, sp.csr_array):
        return {f"{name}.dense": matrix}
    parts = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr, "shape": np.array(matrix.shape)}
    return {f"{name}.{key}": value for key, value in parts.items()}


def matrix_from_arrays(name: str, arrays: Arrays) -> Matrix:
    """The inverse of ``matrix_to_arrays``; raises KeyError or ValueError for anything else."""
    if f"{name}.dense" in arrays:
        return arrays[f"{name}.dense"]
    rows, columns = arrays[f"{name}.shape"].tolist()
    data, indices, offsets = (arrays[f"{name}.{key}"] for key in ("data", "indices", "indptr"))
    return sparse_rows(data, indices, offsets, (rows, columns))


def names_under(prefix: str, arrays: Arrays) -> list[str]:
    """The names ``prefix...`` without what follows their last dot, sorted."""
    return sorted({key.rpartition(".")[0] for key in arrays if key.startswith(prefix)})
