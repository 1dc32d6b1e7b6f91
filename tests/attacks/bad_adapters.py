"""Replies that are not exactly the adapter that was asked for."""

import json

import numpy as np
from flwr.app import Array, RecordDict

from shared.encoder.adapters import AdapterSpec
from shared.encoder.layout import Layout
from shared.wire import ENCODER, HEADER
from tests.attacks.tampered import Attack, flat_of, of_ones, the_whole_encoder, with_flat, with_layout
from tests.federation_world import START


def an_adapter(content: RecordDict) -> RecordDict:
    return of_ones(content, AdapterSpec(encoder=START.spec, rank=2).layout())


def with_rows(content: RecordDict, change) -> RecordDict:
    return with_layout(content, Layout.from_json(json.dumps(change(json.loads(content[HEADER]["layout"])))))


def another_rank(content: RecordDict) -> RecordDict:
    return of_ones(content, AdapterSpec(encoder=START.spec, rank=3).layout())


def swapped_factors(content: RecordDict) -> RecordDict:
    return with_rows(content, lambda rows: [rows[1], rows[0], *rows[2:]])


def renamed_factor(content: RecordDict) -> RecordDict:
    return with_rows(content, lambda rows: [["linear.W.B", *rows[0][1:]], *rows[1:]])


def a_linear_part(content: RecordDict) -> RecordDict:
    content = with_rows(content, lambda rows: [["linear.W", [8, 8], "float32"], *rows])
    return with_flat(content, np.append(np.ones(64, np.float32), flat_of(content)))


def a_head(content: RecordDict) -> RecordDict:
    content = with_rows(content, lambda rows: [*rows, ["head.v", [24, 16], "float32"]])
    return with_flat(content, np.append(flat_of(content), np.ones(24 * 16, np.float32)))


def a_head_beside(content: RecordDict) -> RecordDict:
    content[ENCODER]["v"] = Array(np.ones((24, 16), np.float32))
    return content


def too_short(content: RecordDict) -> RecordDict:
    return with_flat(content, flat_of(content)[:-1])


def double(content: RecordDict) -> RecordDict:
    return with_flat(content, flat_of(content).astype(np.float64))


def not_a_number(content: RecordDict) -> RecordDict:
    flat = flat_of(content).copy()
    flat[7] = np.nan
    return with_flat(content, flat)


def infinite_products(content: RecordDict) -> RecordDict:
    return with_flat(content, np.full_like(flat_of(content), 1e30))


ATTACKS: dict[str, Attack] = {
    "the whole encoder": (the_whole_encoder, "layout must hold"),
    "another rank": (another_rank, "array 0 of the layout must be sequence.item.enter.weight.B"),
    "swapped factors": (swapped_factors, "array 0 of the layout must be"),
    "a factor of the linear part": (renamed_factor, "array 0 of the layout must be"),
    "a linear part": (a_linear_part, "layout must hold"),
    "a head in the layout": (a_head, "layout must hold"),
    "a head beside it": (a_head_beside, "alone"),
    "a wrong length": (too_short, "must be float32"),
    "a wider dtype": (double, "must be float32"),
    "a NaN": (not_a_number, "not finite"),
    "finite factors of an infinite product": (infinite_products, "the encoder that comes of it is not finite"),
}
