"""Noise of a sum as users have it: what the grid adds, and what is left after drop-outs."""

import math

import numpy as np
import pytest

from shared.errors import ConfigError
from shared.secure_sum.fixed_point import FixedPoint
from shared.secure_sum.noise_for_users import FINE, noise_left, private_terms, user_noise
from shared.secure_sum.noise_parts import NoiseParts
from shared.secure_sum.quorum import quorum
from shared.secure_sum.terms import SumTerms
from tests.secure_sum_world import TERMS

SIGMA = 0.653


def terms(length: int = 1000, colluding: int = 1) -> SumTerms:
    return private_terms(length, 4096.0, SIGMA, colluding, bytes(32))


@pytest.mark.parametrize("length", [1, 2, 8_256, 525_312])
def test_the_noise_is_what_was_asked_for_beside_what_rounding_lets_a_user_move(length) -> None:
    found = terms(length)
    assert user_noise(found) == pytest.approx(SIGMA, rel=1e-12)
    assert SIGMA < found.noise.spread <= SIGMA * (1 + FINE)
    assert math.sqrt(length) * 2.0**found.exponent <= FINE


def test_no_two_vectors_a_length_of_one_apart_are_further_apart_in_cells_than_is_counted_on() -> None:
    """The worst case of rounding: each number just below the middle of a cell, and just above it."""
    found = SumTerms(length=64, exponent=-3, most=2**10, noise=terms(64).noise)
    cell = 2.0**found.exponent
    low = np.full(64, cell * (0.5 - 1e-9))
    high = low + np.full(64, 2e-9 * cell)
    cells = [FixedPoint.of(found, 3).cells(one) for one in (low, high)]
    moved = cell * float(np.linalg.norm((cells[1] - cells[0]).astype(float)))
    counted = found.noise.spread / user_noise(found)
    assert np.linalg.norm(high - low) < 1e-6
    assert moved == 1.0
    assert counted == 1.0 + moved


def test_a_sum_without_noise_has_none_for_users() -> None:
    assert user_noise(TERMS) == 0.0
    with pytest.raises(ConfigError):
        noise_left(TERMS, 8, 8)


@pytest.mark.parametrize("parties", [3, 8, 16, 100])
@pytest.mark.parametrize("colluding", [0, 1])
def test_noise_of_the_others_is_at_least_what_was_promised_whoever_drops_out(parties, colluding) -> None:
    found = terms(colluding=colluding)
    for survivors in range(quorum(parties), parties + 1):
        left = noise_left(found, parties, survivors)
        each = NoiseParts.of(found, parties).left(parties - survivors)
        assert left >= SIGMA * (1 - 1e-9)
        assert left**2 == pytest.approx(
            (survivors - colluding) * each * (2.0**found.exponent * SIGMA / found.noise.spread) ** 2
        )


def test_without_drop_outs_it_is_what_was_promised() -> None:
    assert noise_left(terms(), 8, 8) == pytest.approx(SIGMA, rel=1e-9)
    assert noise_left(terms(), 8, 7) == pytest.approx(SIGMA, rel=1e-9)
