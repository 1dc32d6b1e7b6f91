"""Both sides go on from their bytes in every stage, with the same bytes as if nothing had been."""

import pytest

from shared.errors import SumRefused, WireError
from shared.secure_sum.coordinator import Coordinator
from shared.secure_sum.coordinator_state import CoordinatorState
from shared.secure_sum.party import Party
from shared.secure_sum.party_policy import PartyPolicy
from shared.secure_sum.party_state import PartyState
from shared.secure_sum.terms import Noise, SetupTerms, SumTerms
from tests.secure_sum_world import Sent, SumWorld, signing_key, sum_world

SETUP = SetupTerms(sums=2, noised=True)
NOISED = SumTerms(length=9, exponent=-10, most=2**10, noise=Noise(spread=0.5))


def restarted(world: SumWorld, name: str, draw=None) -> Party:
    policy = PartyPolicy(world.coordinator._state.request.roster, 2)
    state = world.parties[name].to_bytes()
    return Party(name, signing_key(name), policy, state, draw or world.parties[name]._draw)


def transcript(world: SumWorld, restarts: bool) -> tuple[list[Sent], bytes]:
    """A set-up and two sums, one of which a party drops out of, where all sides restart after each exchange or none."""
    for number in (0, 1):
        while world.coordinator.stage != "ready":
            world.exchange(gone=["shop001"] if number and world.coordinator.stage == "mask" else [])
            if restarts:
                world.coordinator = Coordinator.from_bytes(world.coordinator.to_bytes())
                world.parties = {name: restarted(world, name) for name in world.parties}
        world.coordinator.begin(NOISED)
    return world.sent, world.coordinator.to_bytes()


def test_restarts_of_all_sides_after_every_exchange_change_no_byte() -> None:
    assert transcript(sum_world(4, SETUP), restarts=True) == transcript(sum_world(4, SETUP), restarts=False)


@pytest.mark.parametrize("stage", ["keys", "shares", "mask", "agree", "open"])
def test_the_same_message_gets_the_same_bytes_after_a_restart(stage: str) -> None:
    """Whatever is drawn by then, and whatever the vector has become."""
    world = sum_world(4, SETUP)
    if stage in ("keys", "shares"):
        world.until({stage})
    else:
        world.until({"ready"})
        world.coordinator.begin(NOISED)
        world.until({stage})
    message = world.coordinator.outgoing()["shop002"]
    first = world.answer("shop002", message)
    again = restarted(world, "shop002", draw=bytes)
    assert again.answer(message, lambda _: world.values["shop002"] / 2) == first


def test_a_coordinator_that_stops_amid_a_stage_asks_only_who_has_not_answered() -> None:
    world = sum_world(4, SETUP)
    world.until({"ready"})
    world.coordinator.begin(NOISED)
    out = world.coordinator.outgoing()
    world.coordinator.take("shop002", world.answer("shop002", out["shop002"]))
    world.coordinator = Coordinator.from_bytes(world.coordinator.to_bytes())
    assert world.coordinator.outgoing() == {name: one for name, one in out.items() if name != "shop002"}
    world.until({"ready"})
    assert world.coordinator.result is not None
    assert len(world.coordinator.result.survivors) == 4


def test_a_party_that_lost_its_state_takes_part_again_after_the_next_set_up() -> None:
    world = sum_world(4, SetupTerms(sums=2))
    world.sum()
    policy = PartyPolicy(world.coordinator._state.request.roster, 2)
    world.parties["shop003"] = Party("shop003", signing_key("shop003"), policy)
    world.coordinator.begin(SumTerms(length=9, exponent=-10, most=2**10))
    with pytest.raises(SumRefused, match="expected a set-up before a sum"):
        world.answer("shop003", world.coordinator.outgoing()["shop003"])
    world.set_up_again()
    assert len(world.sum().survivors) == 4


def test_what_was_held_for_a_sum_is_forgotten_once_it_is_open() -> None:
    world = sum_world(4, SETUP)
    world.until({"ready"})
    before = world.parties["shop000"]._state
    world.coordinator.begin(NOISED)
    world.until({"ready"})
    after = world.parties["shop000"]._state
    assert before.secrets is not None
    assert after.secrets is not None
    assert before.secrets.sums[0].self_mask not in world.parties["shop000"].to_bytes()
    assert after.secrets.sums[1] == before.secrets.sums[1]
    size = len(after.held[1]) // 2
    assert not any(after.held[1][:size])
    assert any(after.held[1][size:])


@pytest.mark.parametrize("kind", [PartyState, CoordinatorState])
def test_bytes_that_are_no_state_are_refused(kind: type) -> None:
    world = sum_world(3)
    world.until({"ready"})
    side = world.parties["shop000"] if kind is PartyState else world.coordinator
    for content in (b"", b"\x02", side.to_bytes()[:-1], side.to_bytes() + b"\x00"):
        with pytest.raises(WireError):
            kind.from_bytes(content)
