"""Replies that are not exactly the adapter that was asked for."""

import json

import numpy as np
from flwr.app import Array, RecordDict

from shared.encoder.changes import delta_grid
from shared.encoder.encoder import Layout
from shared.federation.updates import AdapterForm
from shared.federation.wire_records import ENCODER, HEADER
from tests.attacks.tampered import (
    NO_NUMBERS,
    Attack,
    arrays_swapped,
    as_floats,
    flat_of,
    of_ones,
    the_whole_encoder,
    too_short,
    with_flat,
    with_layout,
)
from tests.federation_world import START


def an_adapter(content: RecordDict) -> RecordDict:
    return of_ones(content, AdapterForm(rank=2).grid(START.spec).layout)


def another_rank(content: RecordDict) -> RecordDict:
    return of_ones(content, AdapterForm(rank=3).grid(START.spec).layout)


def an_int8_delta(content: RecordDict) -> RecordDict:
    return of_ones(content, delta_grid(START.spec).layout)


def with_rows(content: RecordDict, change) -> RecordDict:
    return with_layout(content, Layout.from_json(json.dumps(change(json.loads(content[HEADER]["layout"])))))


def renamed(content: RecordDict) -> RecordDict:
    return with_rows(content, lambda rows: [["linear.W", *rows[0][1:]], *rows[1:]])


def a_linear_part(content: RecordDict) -> RecordDict:
    content = with_rows(content, lambda rows: [["linear.W", [8, 8], "int8"], *rows])
    return with_flat(content, np.append(np.ones(64, np.int8), flat_of(content)))


def a_head(content: RecordDict) -> RecordDict:
    content = with_rows(content, lambda rows: [*rows, ["head.v", [24, 16], "int8"]])
    return with_flat(content, np.append(flat_of(content), np.ones(24 * 16, np.int8)))


def a_head_beside(content: RecordDict) -> RecordDict:
    content[ENCODER]["v"] = Array(np.ones((24, 16), np.float32))
    return content


ATTACKS: dict[str, Attack] = {
    "the whole encoder": (the_whole_encoder, "layout must hold"),
    "another rank": (another_rank, "array 0 of the layout must be adapter.codes"),
    "a step": (an_int8_delta, "array 0 of the layout must be adapter.codes"),
    "exponents first": (arrays_swapped, "array 0 of the layout must be adapter.codes"),
    "a part of the linear one": (renamed, "array 0 of the layout must be adapter.codes"),
    "a linear part": (a_linear_part, "layout must hold"),
    "a head in the layout": (a_head, "layout must hold"),
    "a head beside it": (a_head_beside, "alone"),
    "a wrong length": (too_short, "must be int8"),
    "a wider dtype": (as_floats, "must be int8"),
    **NO_NUMBERS,
}
