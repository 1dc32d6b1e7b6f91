"""Replies that are not exactly the step that was asked for."""

import numpy as np
from flwr.app import RecordDict

from shared.encoder.adapters import AdapterSpec
from shared.encoder.layout import Layout
from shared.encoder.step import step_layout
from tests.attacks.tampered import Attack, flat_of, of_ones, the_whole_encoder, with_flat, with_layout
from tests.federation_world import START

CODES = step_layout(START.spec).arrays[0].size


def a_step(content: RecordDict) -> RecordDict:
    return of_ones(content, step_layout(START.spec))


def an_adapter(content: RecordDict) -> RecordDict:
    return of_ones(content, AdapterSpec(encoder=START.spec, rank=2).layout())


def scales_first(content: RecordDict) -> RecordDict:
    return with_layout(content, Layout(step_layout(START.spec).arrays[::-1]))


def too_short(content: RecordDict) -> RecordDict:
    return with_flat(content, flat_of(content)[:-4])


def as_floats(content: RecordDict) -> RecordDict:
    return with_flat(content, flat_of(content).astype(np.float32))


def with_scales(content: RecordDict, value: float) -> RecordDict:
    flat = flat_of(content).copy()
    flat[CODES:] = np.full((len(flat) - CODES) // 4, value, "<f4").view(np.int8)
    return with_flat(content, flat)


ATTACKS: dict[str, Attack] = {
    "the whole encoder": (the_whole_encoder, "layout must hold 2 arrays"),
    "an adapter": (an_adapter, "layout must hold 2 arrays"),
    "scales first": (scales_first, "array 0 of the layout must be step.codes"),
    "a wrong length": (too_short, "must be int8"),
    "wider numbers": (as_floats, "must be int8"),
    "scales that are no numbers": (lambda content: with_scales(content, np.nan), "comes of it is not finite"),
    "infinite scales": (lambda content: with_scales(content, np.inf), "comes of it is not finite"),
    "scales that overflow": (lambda content: with_scales(content, 3e38), "comes of it is not finite"),
}
