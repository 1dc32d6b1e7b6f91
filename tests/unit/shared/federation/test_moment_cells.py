"""Moments in cells: means to 2⁻²⁸ and pairs to two digits; the exact count is in neither."""

import numpy as np
import pytest

from client.data.platform import training_sequences
from client.training.moments import platform_moments
from shared.encoder.linear import solve
from shared.federation.moment_cells import BITS, MOST_PAIRS, MomentGrid, rounded_pairs
from tests.federation_world import opened


def moments(users: int = 120):
    data = opened("shop", users=users)
    return platform_moments(data.features, training_sequences(data.platform, data.platform.encoder_users))


@pytest.mark.parametrize(
    ("count", "rounded"), [(0, 0), (7, 7), (99, 99), (104, 100), (105, 110), (995, 1000), (91118, 91000)]
)
def test_rounds_to_two_digits(count: int, rounded: int) -> None:
    assert rounded_pairs(count) == rounded
    assert rounded_pairs(rounded) == rounded


def test_means_come_within_half_a_cell_and_count_as_often_as_the_rounded_number_says() -> None:
    exact, grid = moments(), MomentGrid(dim=8)
    found = grid.moments(grid.nearest(exact), rounded_pairs(exact.n))
    assert found.n == rounded_pairs(exact.n) != exact.n
    off = found.to_flat()[:-1] / found.n - exact.to_flat()[:-1] / exact.n
    assert 0 < np.abs(off).max() <= 2.0**-BITS / 2


def test_traces_do_not_give_the_exact_count_away() -> None:
    exact, grid = moments(), MomentGrid(dim=8)
    found = grid.moments(grid.nearest(exact), rounded_pairs(exact.n))
    for trace in (np.trace(found.A), np.trace(found.C)):
        assert trace == pytest.approx(found.n, rel=8 * 2.0**-BITS)
    assert np.trace(exact.A) == pytest.approx(exact.n, rel=1e-6)


def test_what_came_out_goes_in_again_as_it_was() -> None:
    grid = MomentGrid(dim=8)
    cells = grid.nearest(moments())
    assert np.array_equal(grid.nearest(grid.moments(cells, 340)), cells)
    assert grid.fault(cells) == ""


def test_the_map_hardly_changes() -> None:
    exact, grid = moments(), MomentGrid(dim=8)
    found = solve(grid.moments(grid.nearest(exact), rounded_pairs(exact.n)))
    expected = solve(exact)
    assert np.linalg.norm(found.W - expected.W) < 0.01 * np.linalg.norm(expected.W)


def test_a_mean_beyond_one_is_a_fault() -> None:
    cells = MomentGrid(dim=8).nearest(moments())
    cells[3] = -(2**BITS) - 1
    assert MomentGrid(dim=8).fault(cells) == "a mean lies beyond -1 to 1"


def test_means_fit_their_cells_whatever_the_number_of_pairs() -> None:
    assert MomentGrid(dim=8).moments(MomentGrid(dim=8).nearest(moments()), MOST_PAIRS).n == MOST_PAIRS
