import numpy as np
import pytest

from shared.encoder.changes import Int8Delta, delta_grid
from shared.encoder.encoder import Encoder
from tests.unit.client.training.world import SPEC

BEFORE = Encoder.initial(SPEC, 0)
SEQUENCE_SIZE = SPEC.layout().size - 80


def after(spread=0.01, seed=1):
    """Another sequence part, the same linear part."""
    flat = BEFORE.flat.copy()
    flat[80:] += np.random.default_rng(seed).normal(0, spread, SEQUENCE_SIZE).astype(np.float32)
    return Encoder(spec=SPEC, flat=flat)


def test_is_a_byte_a_number_and_a_byte_a_row():
    step, grid = Int8Delta.between(BEFORE, after()), delta_grid(SPEC)
    assert step.cells.dtype == np.int8
    assert step.cells.shape == (SEQUENCE_SIZE + len(grid.lengths),)
    assert int(grid.lengths.sum()) == SEQUENCE_SIZE
    assert list(grid.lengths[:33]) == [8] * 32 + [32]  # item.enter: 32 rows of 8, and its bias


def test_comes_within_half_a_power_of_two_of_each_rows_largest_change():
    found = Int8Delta.between(BEFORE, after()).added_to(BEFORE)
    wanted, got = after().arrays(), found.arrays()
    name = "sequence.history.blocks.0.forward_in.weight"
    half = np.abs(wanted[name] - BEFORE.arrays()[name]).max(1, keepdims=True) / 127  # a power of two: up to twice 1/254
    assert (np.abs(got[name] - wanted[name]) <= half * 1.01 + 1e-7).all()
    assert np.array_equal(found.flat[:80], BEFORE.flat[:80])


def test_is_nothing_between_equals():
    step = Int8Delta.between(BEFORE, BEFORE)
    assert not step.cells[:SEQUENCE_SIZE].any()
    assert np.array_equal(step.added_to(BEFORE).flat, BEFORE.flat)


def test_ends_at_an_encoder_to_which_it_leads_again():
    step = Int8Delta.between(BEFORE, after())
    one, two = step.added_to(BEFORE), Int8Delta(cells=step.cells.copy()).added_to(BEFORE)
    assert one.digest == two.digest != BEFORE.digest


@pytest.mark.parametrize("place", [0, 80, -1])
def test_has_a_digest_that_sees_every_number(place):
    flat = BEFORE.flat.copy()
    flat[place] = np.nextafter(flat[place], np.float32(9))
    assert Encoder(spec=SPEC, flat=flat).digest != BEFORE.digest
