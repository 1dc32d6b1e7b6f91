"""A reply that is not exactly the step that was asked for never enters the encoder; the others' update is taken."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from flwr.app import RecordDict

from shared.encoder.adapters import AdapterSpec
from shared.encoder.layout import Layout
from shared.encoder.step import step_layout
from tests.attacks.tampered import check_was_dropped, flat_of, of_ones, the_whole_encoder, with_flat, with_layout
from tests.federation_world import LOCAL, START, config, federate, opened, tampering

PLATFORMS = {name: opened(name, seed=seed) for seed, name in enumerate("abc", start=1)}
ROUNDS = config(moments=False, local=replace(LOCAL, updates="steps"))
CODES = step_layout(START.spec).arrays[0].size


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


ATTACKS = {
    "the whole encoder": (the_whole_encoder, "layout must hold 2 arrays"),
    "an adapter": (an_adapter, "layout must hold 2 arrays"),
    "scales first": (scales_first, "array 0 of the layout must be step.codes"),
    "a wrong length": (too_short, "must be int8"),
    "wider numbers": (as_floats, "must be int8"),
    "scales that are no numbers": (lambda content: with_scales(content, np.nan), "comes of it is not finite"),
    "infinite scales": (lambda content: with_scales(content, np.inf), "comes of it is not finite"),
    "scales that overflow": (lambda content: with_scales(content, 3e38), "comes of it is not finite"),
}


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """The encoder of the same rounds in which b never replies."""
    return federate(tmp_path_factory.mktemp("honest"), PLATFORMS, ROUNDS, silent=frozenset({"b"}))


@pytest.mark.parametrize("attack", list(ATTACKS))
def test_drops_and_names_a_reply_with(attack, honest, tmp_path) -> None:
    change, reason = ATTACKS[attack]
    found = federate(tmp_path, PLATFORMS, ROUNDS, apps={"b": tampering(change)})
    check_was_dropped(found, reason, honest)


def test_drops_a_step_where_none_was_asked_for(tmp_path) -> None:
    step = partial(of_ones, layout=step_layout(START.spec))
    found = federate(tmp_path, PLATFORMS, config(moments=False), apps={"b": tampering(step)})
    assert all("layout must hold" in why for why in found.dropped["b"])
    assert set(found.dropped) == {"b"}


def test_takes_all_three_where_nobody_attacks(honest, tmp_path) -> None:
    """What shows that the attacks above are attacks: b's honest step does enter."""
    found = federate(tmp_path, PLATFORMS, ROUNDS)
    assert found.dropped == {}
    assert found.encoder.flat.tobytes() != honest.encoder.flat.tobytes()
