"""Honest training replies made into others, and what must become of such a reply of platform b."""

from collections.abc import Callable

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, RecordDict

from shared.encoder.encoder import Layout
from shared.federation.wire_records import ENCODER, FLAT, HEADER
from simulations.federation.held_federation import FederationResult
from tests.federation_world import START

Change = Callable[[RecordDict], RecordDict]
Attack = tuple[Change, str]
"""What is made of an honest reply, and words of the reason for which it is dropped."""


def flat_of(content: RecordDict) -> np.ndarray:
    return content[ENCODER][FLAT].numpy()


def with_flat(content: RecordDict, flat: np.ndarray) -> RecordDict:
    content[ENCODER] = ArrayRecord({FLAT: Array(flat)})
    return content


def with_layout(content: RecordDict, layout: Layout) -> RecordDict:
    content[HEADER] = ConfigRecord({**content[HEADER], "layout": layout.to_json(), "layout-hash": layout.hash})
    return content


def the_whole_encoder(content: RecordDict) -> RecordDict:
    return with_flat(with_layout(content, START.spec.layout()), START.flat + np.float32(0.1))


def of_ones(content: RecordDict, layout: Layout) -> RecordDict:
    return with_flat(with_layout(content, layout), np.ones(layout.size, layout.dtype))


def arrays_swapped(content: RecordDict) -> RecordDict:
    return with_layout(content, Layout(Layout.from_json(content[HEADER]["layout"]).arrays[::-1]))


def too_short(content: RecordDict) -> RecordDict:
    return with_flat(content, flat_of(content)[:-4])


def as_floats(content: RecordDict) -> RecordDict:
    return with_flat(content, flat_of(content).astype(np.float32))


def with_scales(content: RecordDict, value: float) -> RecordDict:
    """Of an update of a byte a number, whose codes come first."""
    codes = Layout.from_json(content[HEADER]["layout"]).arrays[0].size
    flat = flat_of(content).copy()
    flat[codes:] = np.full((len(flat) - codes) // 4, value, "<f4").view(np.int8)
    return with_flat(content, flat)


def check_was_dropped(found: FederationResult, reason: str, without: FederationResult) -> None:
    """Its replies of both rounds were dropped for this reason, and the encoder is what the others make of it."""
    assert set(found.dropped) == {"b"}
    assert len(found.dropped["b"]) == 2
    assert all(reason in why for why in found.dropped["b"])
    assert found.encoder.flat.tobytes() == without.encoder.flat.tobytes()
    assert found.encoder.flat.tobytes() != START.flat.tobytes()
