"""Sparse matrices are built with short indices, products of them keep these, and rows may be cut to their largest."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from client.features import rows
from client.features.rows import blocks_of, largest, sparse_rows


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


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.booleans(), st.sampled_from([4, 1_000]))
def test_keeps_the_largest_of_each_row(seed: int, count: int, by_size: bool, padded: int) -> None:
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(6, 20)).astype(np.float32) * (rng.random((6, 20)) < rng.random((6, 1)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "_PADDED", padded)
        kept = largest(sp.csr_array(dense), count, by_size=by_size).toarray()
    for row, values in zip(dense, kept, strict=True):
        there = row[row != 0]
        order = np.abs(there) if by_size else there
        assert np.array_equal(np.sort(values[values != 0]), np.sort(there[np.argsort(-order)[:count]]))
        assert np.array_equal(values[values != 0], row[values != 0])


def test_blocks_hold_all_rows_and_no_more_work_than_is_wanted() -> None:
    assert blocks_of(np.array([3.0, 3, 3, 9, 1]), 6) == [(0, 2), (2, 3), (3, 4), (4, 5)]
    assert blocks_of(np.zeros(0)) == []
