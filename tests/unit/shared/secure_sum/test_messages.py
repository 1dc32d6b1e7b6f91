"""Messages come back as they were; whatever else comes is one clear error."""

import numpy as np
import pytest

from shared.errors import ConfigError, SumRefused, WireError
from shared.secure_sum.coordinator import Coordinator
from shared.secure_sum.party import Party
from shared.secure_sum.party_policy import PartyPolicy
from shared.secure_sum.roster import MOST_PARTIES, Roster
from shared.secure_sum.setup_messages import KeyBook, SetupRequest
from shared.secure_sum.sum_messages import MaskRequest, OpenRequest, OwnerShares, Shares, Survivors
from shared.secure_sum.terms import Noise, SetupTerms, SumTerms
from tests.secure_sum_world import SumWorld, member, names, signing_key, sum_world

SETUP = SetupTerms(sums=2, noised=True)
NOISED = SumTerms(length=9, exponent=-10, most=2**10, noise=Noise(spread=0.5))
DOWN = {"keys": SetupRequest, "shares": KeyBook, "mask": MaskRequest, "agree": Survivors, "open": OpenRequest}


def stopped_at(stage: str) -> tuple[SumWorld, dict[str, bytes], dict[str, bytes]]:
    """A world before a stage, and the states of its parties and coordinator there."""
    world = sum_world(4, SETUP)
    world.until({stage, "ready"})
    if world.coordinator.stage != stage:
        world.coordinator.begin(NOISED)
        world.until({stage})
    states = {name: one.to_bytes() for name, one in world.parties.items()}
    return world, states, {"": world.coordinator.to_bytes()}


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes changed, cut off, doubled or put in."""
    at = int(rng.integers(len(content)))
    ways = (
        lambda: content[:at] + rng.bytes(1) + content[at + 1 :],
        lambda: content[:at],
        lambda: content[:at] + content[at:] * 2,
        lambda: content[:at] + b"\xff\xff\xff\xff" + content[at + 4 :],
        lambda: content[:at] + rng.bytes(int(rng.integers(1, 9))) + content[at:],
        lambda: rng.bytes(at),
    )
    return ways[int(rng.integers(len(ways)))]()


def said_to(party: Party, message: bytes) -> str:
    """Why it is refused; empty where it is taken. No other error is caught."""
    try:
        party.answer(message, lambda terms: np.zeros(min(terms.length, 100)))
    except (WireError, SumRefused) as error:
        return str(error)
    return ""


@pytest.mark.parametrize("stage", DOWN)
def test_what_the_coordinator_sends_comes_back_as_it_was(stage: str) -> None:
    message = stopped_at(stage)[0].coordinator.outgoing()["shop001"]
    assert DOWN[stage].from_bytes(message).to_bytes() == message


@pytest.mark.parametrize("stage", DOWN)
def test_a_party_takes_a_changed_message_or_says_what_is_wrong(stage: str) -> None:
    world, states, _ = stopped_at(stage)
    message, rng = world.coordinator.outgoing()["shop001"], np.random.default_rng(0)
    policy = PartyPolicy(world.coordinator._state.request.roster, 2)
    said = [
        said_to(Party("shop001", signing_key("shop001"), policy, states["shop001"]), mutated(message, rng))
        for _ in range(150)
    ]
    refusals = [one for one in said if one]
    assert len(refusals) > 75
    assert all(20 < len(one) < 300 for one in refusals)


@pytest.mark.parametrize("stage", DOWN)
def test_the_coordinator_refuses_every_changed_answer(stage: str) -> None:
    world, _, states = stopped_at(stage)
    answer = world.answer("shop001", world.coordinator.outgoing()["shop001"])
    rng = np.random.default_rng(0)
    for _ in range(150):
        changed = mutated(answer, rng)
        coordinator = Coordinator.from_bytes(states[""])
        if changed != answer:
            with pytest.raises(WireError):
                coordinator.take("shop001", changed)
    coordinator.take("shop001", answer)


def test_a_second_answer_of_a_party_is_refused_and_the_same_is_not() -> None:
    world, _, _ = stopped_at("mask")
    answer = world.answer("shop001", world.coordinator.outgoing()["shop001"])
    world.coordinator.take("shop001", answer)
    world.coordinator.take("shop001", answer)
    with pytest.raises(WireError, match="expected one answer of shop001 in the stage mask; found another"):
        world.coordinator.take("shop001", answer[:-1])


@pytest.mark.parametrize("party", ["shop009", ""])
def test_an_answer_of_somebody_who_was_not_asked_is_refused(party: str) -> None:
    world, _, _ = stopped_at("keys")
    with pytest.raises(WireError, match="expected answers of those who were asked"):
        world.coordinator.take(party, b"")


@pytest.mark.parametrize(
    "members",
    [
        [member("a")],
        [member("a"), member("a", "b")],
        [member("a"), member("b", "a")],
        [member("a"), member("B")],
        [member(name) for name in names(MOST_PARTIES + 1)],
    ],
    ids=["alone", "a name twice", "a key twice", "no enrolled name", "too many"],
)
def test_what_is_no_roster_is_refused(members: list) -> None:
    with pytest.raises(ConfigError, match="a roster: expected"):
        Roster.of(members)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (SetupTerms, {"sums": 0}),
        (SetupTerms, {"sums": 65}),
        (SetupTerms, {"sums": 1, "colluding": 34}),
        (SumTerms, {"length": 0, "exponent": 0, "most": 1}),
        (SumTerms, {"length": 1, "exponent": 65, "most": 1}),
        (SumTerms, {"length": 1, "exponent": 0, "most": 0}),
        (Noise, {"spread": 0.0}),
        (Noise, {"spread": float("nan")}),
        (Noise, {"spread": 1e31}),
    ],
)
def test_terms_out_of_bounds_are_refused(kind: type, values: dict) -> None:
    with pytest.raises(ConfigError, match="expected"):
        kind(**values)


def test_shares_of_both_kinds_of_one_party_cannot_be_read() -> None:
    """No honest party gives them, so no message holds them."""
    both = Shares(b"\x00" * 32, {0: OwnerShares(self_mask=b"\x01" * 33, mask=b"\x02" * 33)}, b"\x00" * 64)
    with pytest.raises(WireError, match="shares of a survivor or of a drop-out; found kinds 5"):
        Shares.from_bytes(both.to_bytes())
