"""Replies that are not exactly the delta of half a byte a number that was asked for."""

from flwr.app import RecordDict

from shared.encoder.changes import delta_grid, half_byte_grid
from tests.attacks.tampered import NO_NUMBERS, Attack, arrays_swapped, flat_of, of_ones, too_short, with_flat
from tests.federation_world import START


def an_int4_delta(content: RecordDict) -> RecordDict:
    return of_ones(content, half_byte_grid(START.spec).layout)


def an_int8_delta(content: RecordDict) -> RecordDict:
    return of_ones(content, delta_grid(START.spec).layout)


def small_codes(content: RecordDict) -> RecordDict:
    """Under exponents of larger ones."""
    flat, grid = flat_of(content).copy(), half_byte_grid(START.spec)
    codes = grid.layout.arrays[0].size
    flat[:codes] = 0x11
    flat[codes - 1] >>= 4 * (grid.size % 2)
    return with_flat(content, flat)


ATTACKS: dict[str, Attack] = {
    "a byte a number": (an_int8_delta, "array 0 of the layout must be half-step.codes"),
    "exponents first": (arrays_swapped, "array 0 of the layout must be half-step.codes"),
    "a wrong length": (too_short, "must be int8"),
    **NO_NUMBERS,
    "exponents that are not needed": (small_codes, "larger than its numbers need"),
}
