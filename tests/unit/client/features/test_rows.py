"""Sparse matrices are built with short indices, and products of them keep these."""

import numpy as np

from client.features.rows import sparse_rows


def test_has_the_rows_it_was_given() -> None:
    matrix = sparse_rows(np.array([1.0, 2, 3], np.float32), np.array([2, 0, 1]), np.array([0, 1, 3]), (2, 3))
    np.testing.assert_array_equal(matrix.toarray(), [[0, 0, 1], [2, 3, 0]])


def test_products_keep_indices_of_four_bytes() -> None:
    matrix = sparse_rows(np.ones(3, np.float32), np.arange(3, dtype=np.int64), np.arange(4, dtype=np.int64), (3, 3))
    product = matrix @ matrix.T.tocsr()
    assert {matrix.indices.dtype, matrix.indptr.dtype, product.indices.dtype} == {np.dtype(np.int32)}


def test_keeps_long_indices_where_short_ones_do_not_reach() -> None:
    wide = sparse_rows(np.ones(1, np.float32), np.array([2**31]), np.array([0, 1]), (1, 2**31 + 1))
    assert wide.indices.dtype == np.int64
    assert wide.indices[0] == 2**31
