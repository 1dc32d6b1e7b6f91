"""Replies that are not exactly the step that was asked for."""

import numpy as np
from flwr.app import RecordDict

from shared.encoder.changes import step_layout
from shared.federation.updates import AdapterForm
from tests.attacks.tampered import (
    Attack,
    arrays_swapped,
    as_floats,
    of_ones,
    the_whole_encoder,
    too_short,
    with_scales,
)
from tests.federation_world import START


def a_step(content: RecordDict) -> RecordDict:
    return of_ones(content, step_layout(START.spec))


def an_adapter(content: RecordDict) -> RecordDict:
    return of_ones(content, AdapterForm(rank=2).layout(START.spec))


ATTACKS: dict[str, Attack] = {
    "the whole encoder": (the_whole_encoder, "layout must hold 2 arrays"),
    "an adapter": (an_adapter, "array 0 of the layout must be step.codes"),
    "scales first": (arrays_swapped, "array 0 of the layout must be step.codes"),
    "a wrong length": (too_short, "must be int8"),
    "wider numbers": (as_floats, "must be int8"),
    "scales that are no numbers": (lambda content: with_scales(content, np.nan), "comes of it is not finite"),
    "infinite scales": (lambda content: with_scales(content, np.inf), "comes of it is not finite"),
    "scales that overflow": (lambda content: with_scales(content, 3e38), "comes of it is not finite"),
}
