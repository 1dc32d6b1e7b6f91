"""A reply that is not exactly the form that was asked for never enters the encoder; the others' update is taken."""

from dataclasses import replace

import pytest

from tests.attacks import bad_adapters, bad_int4_deltas, bad_int8_deltas
from tests.attacks.tampered import check_was_dropped
from tests.federation_world import QUICK, config, federate, opened, tampering

PLATFORMS = {name: opened(name, seed=seed) for seed, name in enumerate("abc", start=1)}
ROUNDS = {
    "adapters": config(moments=False, local=replace(QUICK, adapters="lora:2")),
    "int8 deltas": config(moments=False, local=replace(QUICK, updates="int8-delta")),
    "int4 deltas": config(moments=False, local=replace(QUICK, updates="int4-delta")),
}
ATTACKS = {
    "adapters": bad_adapters.ATTACKS,
    "int8 deltas": bad_int8_deltas.ATTACKS,
    "int4 deltas": bad_int4_deltas.ATTACKS,
}
UNASKED = {
    "adapters": bad_adapters.an_adapter,
    "int8 deltas": bad_int8_deltas.an_int8_delta,
    "int4 deltas": bad_int4_deltas.an_int4_delta,
}
EACH = [(form, attack) for form, attacks in ATTACKS.items() for attack in attacks]


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """By form, the encoder of the same rounds in which b never replies."""
    silent = frozenset({"b"})
    return {
        form: federate(tmp_path_factory.mktemp(form), PLATFORMS, rounds, silent=silent)
        for form, rounds in ROUNDS.items()
    }


@pytest.mark.parametrize(("form", "attack"), EACH, ids=[f"{form}: {attack}" for form, attack in EACH])
def test_drops_and_names_a_reply_with(form, attack, honest, tmp_path) -> None:
    change, reason = ATTACKS[form][attack]
    found = federate(tmp_path, PLATFORMS, ROUNDS[form], apps={"b": tampering(change)})
    check_was_dropped(found, reason, honest[form])


@pytest.mark.parametrize("form", list(UNASKED))
def test_drops_what_was_not_asked_for(form, tmp_path) -> None:
    found = federate(tmp_path, PLATFORMS, config(moments=False, local=QUICK), apps={"b": tampering(UNASKED[form])})
    assert all("array 0 of the layout must be change.codes" in why for why in found.dropped["b"])
    assert set(found.dropped) == {"b"}


@pytest.mark.parametrize("form", list(ROUNDS))
def test_takes_all_three_where_nobody_attacks(form, honest, tmp_path) -> None:
    """What shows that the attacks above are attacks: b's honest reply does enter."""
    found = federate(tmp_path, PLATFORMS, ROUNDS[form])
    assert found.dropped == {}
    assert found.encoder.flat.tobytes() != honest[form].encoder.flat.tobytes()
