"""The matrices that columns walk over, as arrays that numpy reads: in whole precision, or in about two bytes an entry.

m rows, w columns, E entries. A matrix of a name is one of these, each array with the name before it:

- ``dense`` [m, w] float32;
- ``offsets`` [m + 1], ``items`` [E] and ``values`` [E] float32;
- in eight bits a number ``dense`` [m, w] int8, or ``codes`` [E] int8 in the place of values, and ``steps`` [m]: a value
  is its row's step times c · |c|;
- beside ``codes`` also ``gaps`` [E] uint8 in the place of ``items``, where that is smaller: from the item before.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from client.device.ragged_rows import RaggedRows
from client.export.eight_bits import in_gaps, signed_squares
from client.packing.packed_columns import GRAPHS, PackedStacks, statistic_of
from client.recommender.served_head import ServedHead
from client.scorers.content_knn import kernel_of
from client.scorers.cooccurrence import Matrix

Arrays = dict[str, NDArray[Any]]
GRAMS = "grams"
"""[n, G] of the items' texts, rows of length 1"""
_DENSE_FROM = 0.5
"""share of entries that are not 0 from which a dense matrix is smaller"""


def column_tables(served: ServedHead, stacks: PackedStacks, *, eight_bits: bool) -> Arrays:
    """The matrices of all columns.

    Args:
        served: the record.
        stacks: its columns.
        eight_bits: whether numbers are rounded.

    Returns:
        Arrays by name.
    """
    matrices = {name: _matrix(served, name) for name in sorted(stacks.whole.matrices)}
    if any(column["form"] == GRAMS for column in stacks.whole.columns):
        matrices[GRAMS] = served.items.local_grams
    arrays: Arrays = {}
    for name, matrix in matrices.items():
        of_matrix = _in_eight_bits(matrix) if eight_bits else _whole(matrix)
        arrays |= {f"{name}.{key}": array for key, array in of_matrix.items()}
    return arrays


def _matrix(served: ServedHead, name: str) -> Matrix:
    neighbours = served.items.catalogue.neighbours
    if name not in GRAPHS:
        return statistic_of(served.statistics, name)
    return kernel_of(neighbours) if name == "kernel" else neighbours.squared_cosines


def _whole(matrix: Matrix) -> Arrays:
    if _is_dense(matrix):
        return {"dense": np.asarray(_dense(matrix), np.float32)}
    rows = _sparse(matrix)
    entries = {"items": rows.indices.astype(np.int32), "values": rows.data.astype(np.float32)}
    return _named(RaggedRows(offsets=rows.indptr, parts=entries))


def _in_eight_bits(matrix: Matrix) -> Arrays:
    if _is_dense(matrix):
        values = _dense(matrix)
        owners = np.repeat(np.arange(len(values)), values.shape[1])
        codes, steps = signed_squares(values.reshape(-1), owners, len(values))
        return {"dense": codes.reshape(values.shape), "steps": steps}
    rows = _sparse(matrix)
    offsets = rows.indptr.astype(np.int64)
    owners = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    codes, steps = signed_squares(rows.data.astype(np.float32), owners, len(offsets) - 1)
    gaps, places, begins = in_gaps(rows.indices.astype(np.int64), offsets)
    narrow = np.uint16 if rows.shape[1] <= np.iinfo(np.uint16).max else np.int32
    if 2 * len(gaps) >= (1 + np.dtype(narrow).itemsize) * len(codes):
        entries = {"items": rows.indices.astype(narrow), "codes": codes}
        return {**_named(RaggedRows(offsets=offsets, parts=entries)), "steps": steps}
    spread = np.zeros(len(gaps), np.int8)
    spread[places] = codes
    return {**_named(RaggedRows(offsets=begins, parts={"gaps": gaps, "codes": spread})), "steps": steps}


def _is_dense(matrix: Matrix) -> bool:
    if isinstance(matrix, np.ndarray):
        return bool(np.count_nonzero(matrix) >= _DENSE_FROM * matrix.size)
    return bool(matrix.nnz >= _DENSE_FROM * matrix.shape[0] * matrix.shape[1])


def _dense(matrix: Matrix) -> NDArray[Any]:
    return matrix if isinstance(matrix, np.ndarray) else matrix.toarray()


def _sparse(matrix: Matrix) -> sp.csr_array:
    """With the columns of each row rising."""
    rows = sp.csr_array(matrix).copy()
    rows.sum_duplicates()
    return rows


def _named(rows: RaggedRows) -> Arrays:
    """Without a name before them."""
    return {key.removeprefix("rows."): array for key, array in rows.named("rows").items()}
