"""Numbers in eight bits come back near what they were, and columns as they were."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from client.export.eight_bits import eighths_of_columns, in_gaps, signed_squares


@given(st.lists(st.sets(st.integers(0, 2_000), max_size=12), min_size=1, max_size=6))
def test_gaps_lead_to_the_same_columns(rows):
    lists = [sorted(row) for row in rows]
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in lists])]).astype(np.int64)
    gaps, places, begins = in_gaps(np.array([column for row in lists for column in row], np.int64), offsets)
    assert len(places) == offsets[-1]
    for row, columns in enumerate(lists):
        told = np.cumsum(gaps[begins[row] : begins[row + 1]].astype(np.int64))
        of_entries = places[offsets[row] : offsets[row + 1]] - begins[row]
        assert told[of_entries].tolist() == columns


def test_small_values_are_told_as_well_as_large_ones():
    values = np.array([1.0, 0.5, 1e-3, -0.25, 3e-4, 0.0], np.float32)
    owners = np.array([0, 0, 0, 1, 1, 2])
    codes, steps = signed_squares(values, owners, 3)
    told = steps[owners] * codes.astype(np.float32) * np.abs(codes)
    np.testing.assert_allclose(told, values, rtol=0.2)
    assert told[-1] == 0


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_columns_are_right_to_half_a_step(scale):
    matrix = (scale * np.random.default_rng(0).normal(size=(40, 7))).astype(np.float32)
    matrix[:, 3] = 0
    codes, steps = eighths_of_columns(matrix)
    assert codes.dtype == np.int8
    assert (np.abs(codes * steps - matrix) <= 0.5001 * steps).all()
    assert not codes[:, 3].any()


def test_a_sparse_matrix_is_the_same_by_its_gaps():
    matrix = sp.random_array((9, 3_000), density=0.01, format="csr", rng=np.random.default_rng(1), dtype=np.float32)
    matrix.sort_indices()
    gaps, places, begins = in_gaps(matrix.indices.astype(np.int64), matrix.indptr.astype(np.int64))
    spread = np.zeros(len(gaps), np.float32)
    spread[places] = matrix.data
    for row in range(9):
        span = slice(begins[row], begins[row + 1])
        columns = np.cumsum(gaps[span].astype(np.int64))
        dense = np.bincount(columns, spread[span], 3_000)
        np.testing.assert_array_equal(dense.astype(np.float32), matrix[[row]].toarray()[0])
