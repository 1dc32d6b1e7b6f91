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


def with_exponents(content: RecordDict, value: int) -> RecordDict:
    """Of an update in cells, whose codes come first."""
    codes = Layout.from_json(content[HEADER]["layout"]).arrays[0].size
    flat = flat_of(content).copy()
    flat[codes:] = value
    return with_flat(content, flat)


def with_a_code(content: RecordDict, value: int) -> RecordDict:
    """Its first."""
    flat = flat_of(content).copy()
    flat[0] = value
    return with_flat(content, flat)


def with_codes_halved(content: RecordDict) -> RecordDict:
    """The same grid coarser than it need be."""
    codes = Layout.from_json(content[HEADER]["layout"]).arrays[0].size
    flat = flat_of(content).copy()
    flat[:codes] //= 2
    return with_flat(content, flat)


NO_NUMBERS: dict[str, Attack] = {
    "exponents that overflow": (lambda content: with_exponents(content, 16), "an exponent lies beyond -64 to 15"),
    "exponents below the least": (lambda content: with_exponents(content, -65), "an exponent lies beyond -64 to 15"),
    "exponents that are not needed": (with_codes_halved, "larger than its numbers need"),
    "a code beyond the levels": (
        lambda content: with_a_code(content, int(np.iinfo(flat_of(content).dtype).min)),
        "a code lies beyond",
    ),
}
"""Cells that mean no numbers, or those of other cells."""


def check_was_dropped(found: FederationResult, reason: str, without: FederationResult) -> None:
    """Its replies of both rounds were dropped for this reason, and the encoder is what the others make of it."""
    assert set(found.dropped) == {"b"}
    assert len(found.dropped["b"]) == 2
    assert all(reason in why for why in found.dropped["b"])
    assert found.encoder.flat.tobytes() == without.encoder.flat.tobytes()
    assert found.encoder.flat.tobytes() != START.flat.tobytes()
