"""Ragged lists in one flat array, and sparse matrices: built with short indices, which products of them keep."""

import numpy as np

from client.data.ragged import offsets_of, sparse_rows, stretches


def test_begins_each_list_where_the_one_before_ends():
    assert offsets_of(np.array([2, 0, 3])).tolist() == [0, 2, 2, 5]
    assert offsets_of(np.array([], np.int64)).tolist() == [0]


def test_counts_up_from_every_start_in_the_order_given():
    assert stretches(np.array([7, 100, 3]), np.array([2, 0, 3])).tolist() == [7, 8, 3, 4, 5]
    assert stretches(np.array([], np.int64), np.array([], np.int64)).tolist() == []


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
