"""Noise that leaves: from the system's source, of the right spread, on a grid."""

import inspect
import os

import numpy as np
import pytest
from scipy.stats import kstest

from client.privacy.noise import noised
from shared.privacy.gaussian_draws import gaussian
from shared.privacy.grid import CELLS, MOST_CELL, middles


def test_comes_from_the_systems_cryptographic_source_unless_a_simulation_says_otherwise() -> None:
    for function in (gaussian, noised):
        assert inspect.signature(function).parameters["draw"].default is os.urandom


def test_is_standard_normal_to_both_tails() -> None:
    drawn = gaussian((200_000,), np.random.default_rng(1).bytes)
    assert kstest(drawn, "norm").pvalue > 1e-3
    assert drawn.min() == pytest.approx(-drawn.max(), abs=1.0)


def test_the_smallest_and_the_largest_bits_are_far_out_and_alike() -> None:
    ends = [gaussian((1,), lambda _n, bits=bits: bits)[0] for bits in (bytes(8), bytes([1] + [0] * 7))]
    assert ends[0] == pytest.approx(9.08, abs=0.3)
    assert ends[0] == -ends[1]


def test_what_leaves_is_a_cell_of_the_grid_in_which_value_and_noise_lie() -> None:
    values = np.array([0.0, 3.0, -2.0])
    draw = np.random.default_rng(2).bytes
    cells = noised(values, 2.0, draw)
    noise = gaussian((3,), np.random.default_rng(2).bytes)
    assert cells.dtype == np.int32
    np.testing.assert_array_equal(cells, np.floor((values + 2.0 * noise) * CELLS / 2.0))
    assert np.abs(middles(cells, 2.0) - values - 2.0 * noise).max() <= 2.0 / CELLS / 2 + 1e-12


def test_a_sum_beyond_the_grid_stays_at_its_end() -> None:
    assert noised(np.array([1e12, -1e12]), 1.0).tolist() == [MOST_CELL, -MOST_CELL]
