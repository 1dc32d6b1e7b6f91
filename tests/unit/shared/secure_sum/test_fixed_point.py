"""Fixed point and its ring: as narrow as head-room allows, exact, and never around."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ConfigError, SumRefused, WireError
from shared.secure_sum.fixed_point import FixedPoint
from shared.secure_sum.ring import MOST_SUM, WIDTHS, Ring
from shared.secure_sum.terms import Noise, SumTerms

TERMS = SumTerms(length=3, exponent=-4, most=100)


@pytest.mark.parametrize(("parties", "most", "bits"), [(3, 10_922, 16), (3, 10_923, 24), (100, 2**21, 32)])
def test_the_ring_is_the_narrowest_that_holds_the_sum(parties: int, most: int, bits: int) -> None:
    assert FixedPoint.of(replace(TERMS, most=most), parties).ring.bits == bits
    assert parties * most < 2 ** (bits - 1)


def test_no_sum_of_honest_parties_wraps_around() -> None:
    """At the bound itself, all of one sign, for each width."""
    for bits in WIDTHS:
        parties = 3
        most = (2 ** (bits - 1) - 1) // parties
        ring = FixedPoint.of(replace(TERMS, most=most), parties).ring
        assert ring.bits == bits
        for sign in (1, -1):
            cells = np.full(3, sign * most, np.int64)
            total = sum((ring.elements(cells) for _ in range(parties)), np.zeros(3, ring.dtype))
            assert ring.signed(total).tolist() == [sign * most * parties] * 3


def test_the_farthest_noise_is_part_of_the_head_room() -> None:
    """Eight times 4,000 cells alone would fit into 16 bits."""
    noise = Noise(spread=2.0**-4 * 50)
    found = FixedPoint.of(replace(TERMS, most=4_000, noise=noise), 8)
    assert found.noise is not None
    farthest = found.noise.whole(1000, b"\x01" * 32, bytes)
    assert 9 * found.noise.spreads[0] < np.abs(farthest).max() <= found.noise.most
    assert 8 * (4_000 + found.noise.most) < 2 ** (found.ring.bits - 1)


def test_terms_that_no_ring_holds_are_refused() -> None:
    with pytest.raises(ConfigError, match="expected sums of at most 2\\^47 - 1 cells"):
        FixedPoint.of(replace(TERMS, most=2**44), 8)


@given(st.lists(st.floats(-6.25, 6.25), min_size=3, max_size=3))
def test_values_are_rounded_to_the_nearest_cell_and_come_back_exactly(values: list[float]) -> None:
    fixed = FixedPoint.of(TERMS, 3)
    cells = fixed.cells(np.array(values))
    assert np.abs(fixed.values(cells) - values).max() <= 2.0**-5
    assert fixed.cells(fixed.values(cells)).tolist() == cells.tolist()


@pytest.mark.parametrize("value", [6.29, -6.29, 1e300])
def test_a_number_out_of_range_is_refused(value: float) -> None:
    with pytest.raises(SumRefused, match=r"at most 6\.25 in size; got 1 beyond it"):
        FixedPoint.of(TERMS, 3).cells(np.array([0.0, value, 1.0]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(SumRefused, match="expected finite numbers"):
        FixedPoint.of(TERMS, 3).cells(np.array([0.0, value, 1.0]))


def test_another_length_is_refused() -> None:
    with pytest.raises(SumRefused, match="expected a vector of 3 numbers"):
        FixedPoint.of(TERMS, 3).cells(np.zeros(4))


@pytest.mark.parametrize("bits", WIDTHS)
def test_elements_are_packed_in_their_width_and_no_more(bits: int) -> None:
    ring = Ring(bits)
    cells = np.array([0, 1, -1, 2 ** (bits - 1) - 1, -(2 ** (bits - 1))], np.int64)
    packed = ring.packed(ring.elements(cells))
    assert len(packed) == 5 * bits // 8
    assert ring.signed(ring.unpacked(packed)).tolist() == cells.tolist()
    with pytest.raises(WireError, match="whole numbers"):
        ring.unpacked(packed[:-1])


def test_every_possible_sum_is_a_float_exactly() -> None:
    assert int(float(MOST_SUM)) == MOST_SUM
    assert MOST_SUM < 2**53
