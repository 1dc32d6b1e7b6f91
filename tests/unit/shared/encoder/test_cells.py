"""Cells: the nearest numbers of a grid, one set of cells for each, decoded without rounding."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.encoder.cells import LEAST, MOST, CellGrid
from shared.errors import GraftError

GRIDS = [CellGrid(name="one", lengths=np.array([3, 1, 4]), code_bits=code_bits) for code_bits in (4, 8, 16)]
NUMBERS = st.lists(st.floats(-1e9, 1e9), min_size=8, max_size=8).map(np.array)


@pytest.mark.parametrize("grid", GRIDS, ids=["half a byte", "a byte", "two bytes"])
@given(values=NUMBERS)
def test_comes_within_half_a_power_of_two_and_has_no_fault(grid: CellGrid, values: np.ndarray) -> None:
    bounded = values / 1e5
    flat = grid.nearest(bounded)
    assert grid.fault(flat) == ""
    largest = np.repeat(np.maximum.reduceat(np.abs(bounded), [0, 3, 4]), grid.lengths)
    half = np.maximum(largest / grid.levels, 2.0**LEAST / 2)  # the power of two is at most twice what is needed
    assert (np.abs(grid.values(flat) - bounded) <= half).all()


@pytest.mark.parametrize("grid", GRIDS, ids=["half a byte", "a byte", "two bytes"])
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
    flat = GRIDS[1].nearest(np.zeros(8))
    assert flat.tolist() == [0] * 8 + [LEAST] * 3


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_refuses_numbers_that_are_not_finite(value: float) -> None:
    with pytest.raises(GraftError, match="training must leave finite numbers"):
        GRIDS[0].nearest(np.full(8, value))


@given(values=NUMBERS, seed=st.integers(0, 99))
@pytest.mark.parametrize("grid", GRIDS, ids=["half a byte", "a byte", "two bytes"])
def test_drawn_cells_have_no_fault_and_lie_beside_the_numbers(grid: CellGrid, values: np.ndarray, seed: int) -> None:
    bounded = values / 1e5
    flat = grid.drawn(bounded, np.random.default_rng(seed))
    assert grid.fault(flat) == ""
    largest = np.repeat(np.maximum.reduceat(np.abs(bounded), [0, 3, 4]), grid.lengths)
    assert (np.abs(grid.values(flat) - bounded) <= 2 * np.maximum(largest / grid.levels, 2.0**LEAST / 2)).all()


@pytest.mark.parametrize("code_bits", [4, 8])
def test_the_numbers_of_a_grid_are_drawn_as_they_are(code_bits) -> None:
    grid = CellGrid(name="one", lengths=np.array([5]), code_bits=code_bits)
    values = 2.0**-9 * np.array([grid.levels, -3, 0, 1, -grid.levels])
    assert np.array_equal(grid.values(grid.drawn(values, np.random.default_rng(0))), values)


def test_two_codes_of_half_a_byte_lie_in_one() -> None:
    grid = CellGrid(name="one", lengths=np.array([3]), code_bits=4)
    flat = grid.nearest(np.array([1.0, -7.0, 5.0]))
    assert flat.view(np.uint8).tolist() == [0x91, 0x05, 0]
    assert grid.fault(np.array([0x11, 0x15, 0], np.int8)) == "the half byte behind the last number is not 0"


@pytest.mark.parametrize(("code_bits", "length"), [(8, 1), (4, 1), (4, 2)])
def test_bits_count_every_array_without_a_fault_and_no_number_has_two(code_bits, length) -> None:
    grid = CellGrid(name="one", lengths=np.array([length]), code_bits=code_bits)
    every = (np.array(pair, np.int8) for pair in product(range(-128, 128), repeat=2))
    good = [flat for flat in every if not grid.fault(flat)]
    assert math.log2(len(good)) == pytest.approx(grid.bits)
    assert len({grid.values(flat).tobytes() for flat in good}) == len(good)


def test_bits_of_groups_add_up() -> None:
    alone = [CellGrid(name="one", lengths=np.array([length]), code_bits=16) for length in (3, 1, 4)]
    assert GRIDS[2].bits == pytest.approx(sum(one.bits for one in alone))
