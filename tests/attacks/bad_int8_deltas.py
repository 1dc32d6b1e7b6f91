"""Replies that are not exactly the step that was asked for."""

from flwr.app import RecordDict

from shared.encoder.changes import delta_grid
from shared.federation.updates import AdapterForm
from tests.attacks.tampered import (
    NO_NUMBERS,
    Attack,
    arrays_swapped,
    as_floats,
    of_ones,
    the_whole_encoder,
    too_short,
)
from tests.federation_world import START


def an_int8_delta(content: RecordDict) -> RecordDict:
    return of_ones(content, delta_grid(START.spec).layout)


def an_adapter(content: RecordDict) -> RecordDict:
    return of_ones(content, AdapterForm(rank=2).grid(START.spec).layout)


ATTACKS: dict[str, Attack] = {
    "the whole encoder": (the_whole_encoder, "layout must hold 2 arrays"),
    "an adapter": (an_adapter, "array 0 of the layout must be step.codes"),
    "exponents first": (arrays_swapped, "array 0 of the layout must be step.codes"),
    "a wrong length": (too_short, "must be int8"),
    "wider numbers": (as_floats, "must be int8"),
    **NO_NUMBERS,
}
