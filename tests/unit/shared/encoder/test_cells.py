"""Cells: the nearest numbers of a grid, one set of cells for each, decoded without rounding."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.encoder.cells import LEAST, MOST, CellGrid
from shared.errors import GraftError

GRIDS = [CellGrid(name="one", lengths=np.array([3, 1, 4]), dtype=dtype) for dtype in ("int8", "int16")]
NUMBERS = st.lists(st.floats(-1e9, 1e9), min_size=8, max_size=8).map(np.array)


@pytest.mark.parametrize("grid", GRIDS, ids=["a byte", "two bytes"])
@given(values=NUMBERS)
def test_comes_within_half_a_power_of_two_and_has_no_fault(grid: CellGrid, values: np.ndarray) -> None:
    bounded = values / 1e5
    flat = grid.nearest(bounded)
    assert grid.fault(flat) == ""
    largest = np.repeat(np.maximum.reduceat(np.abs(bounded), [0, 3, 4]), grid.lengths)
    half = np.maximum(largest / grid.levels, 2.0**LEAST / 2)  # the power of two is at most twice what is needed
    assert (np.abs(grid.values(flat) - bounded) <= half).all()


@pytest.mark.parametrize("grid", GRIDS, ids=["a byte", "two bytes"])
@given(values=NUMBERS)
def test_the_numbers_of_cells_have_those_cells(grid: CellGrid, values: np.ndarray) -> None:
    flat = grid.nearest(values / 1e5)
    assert np.array_equal(grid.nearest(grid.values(flat).astype(np.float64)), flat)


def test_numbers_beyond_the_grid_are_its_last() -> None:
    grid = GRIDS[0]
    found = grid.values(grid.nearest(np.full(8, 1e30)))
    assert np.isfinite(found).all()
    assert found.max() == grid.levels * 2.0**MOST


def test_nothing_lies_at_the_least_exponent() -> None:
    flat = GRIDS[0].nearest(np.zeros(8))
    assert flat.tolist() == [0] * 8 + [LEAST] * 3


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_refuses_numbers_that_are_not_finite(value: float) -> None:
    with pytest.raises(GraftError, match="training must leave finite numbers"):
        GRIDS[0].nearest(np.full(8, value))


def test_bits_count_every_array_without_a_fault_and_no_number_has_two() -> None:
    grid = CellGrid(name="one", lengths=np.array([1]), dtype="int8")
    every = (np.array(pair, np.int8) for pair in product(range(-128, 128), repeat=2))
    good = [flat for flat in every if not grid.fault(flat)]
    assert math.log2(len(good)) == pytest.approx(grid.bits)
    assert len({float(grid.values(flat)[0]) for flat in good}) == len(good)


def test_bits_of_groups_add_up() -> None:
    alone = [CellGrid(name="one", lengths=np.array([length]), dtype="int16") for length in (3, 1, 4)]
    assert GRIDS[1].bits == pytest.approx(sum(one.bits for one in alone))
