"""Secure sums: different sets told to different halves, shares of both kinds asked for, replays."""

from collections.abc import Collection
from dataclasses import replace

import pytest

from shared.errors import SumRefused, WireError
from shared.secure_sum.signing import require_signature, signature
from shared.secure_sum.sum_messages import AGREEMENT, MaskRequest, OpenRequest, Plan, Shares, Survivors
from shared.secure_sum.terms import SetupTerms
from tests.secure_sum_world import TERMS, SumWorld, member, names, signing_key, sum_world

SHOPS = names(6)


def at(stage: str, sums: int = 3) -> tuple[SumWorld, Plan]:
    """Six parties, five of which are a quorum."""
    world = sum_world(6, SetupTerms(sums=sums), least=3)
    world.until({"ready"})
    world.coordinator.begin(TERMS)
    plan = world.coordinator._state.plan
    world.until({stage})
    assert plan is not None
    return world, plan


def survivors(plan: Plan, numbers: Collection[int]) -> bytes:
    return Survivors(plan.digest, tuple(numbers)).to_bytes()


def signatures(world: SumWorld, message: bytes, numbers: Collection[int]) -> dict[int, bytes]:
    return {number: world.answer(SHOPS[number], message) for number in numbers}


def test_two_halves_that_were_told_different_sets_open_nothing() -> None:
    """Without the rule the coordinator would learn both of shop005's secrets: its mask key and its self-mask seed."""
    world, plan = at("agree")
    whole, without = range(6), range(5)
    first = signatures(world, survivors(plan, whole), (0, 1, 5))
    second = signatures(world, survivors(plan, without), (2, 3, 4))
    both = dict(sorted({**first, **second}.items()))
    for number, found in ((0, first), (2, second), (0, both), (2, both)):
        with pytest.raises((SumRefused, WireError), match=r"over the set|signed by its key in the roster"):
            world.answer(SHOPS[number], OpenRequest(plan.digest, found).to_bytes())


def test_a_party_signs_one_set_a_sum() -> None:
    world, plan = at("agree")
    first = world.answer("shop000", survivors(plan, range(6)))
    with pytest.raises(SumRefused, match="expected one set of survivors a sum; found another"):
        world.answer("shop000", survivors(plan, range(5)))
    assert len(first) == 64


def test_a_party_signs_no_set_without_itself_or_with_strangers() -> None:
    world, plan = at("agree")
    for numbers in ((1, 2, 3, 4, 5), (0, 1, 2, 3, 4, 9)):
        with pytest.raises(SumRefused, match="expected survivors among the sum's members, this party one of them"):
            world.answer("shop000", survivors(plan, numbers))


def test_a_party_signs_no_set_of_fewer_than_a_quorum() -> None:
    world, plan = at("agree")
    with pytest.raises(SumRefused, match="expected at least 5 parties among the survivors; found 4"):
        world.answer("shop000", survivors(plan, range(4)))


def test_signatures_that_the_coordinator_made_open_nothing() -> None:
    world, plan = at("open")
    good = world.coordinator._state.agreements
    forged = {**good, 3: signing_key("coordinator").sign(b"anything")}
    with pytest.raises(WireError, match="expected a message of shop003 signed by its key"):
        world.answer("shop000", OpenRequest(plan.digest, forged).to_bytes())


def test_one_signature_too_few_opens_nothing() -> None:
    world, plan = at("open")
    few = {number: one for number, one in world.coordinator._state.agreements.items() if number < 4}
    with pytest.raises(SumRefused, match=r"expected signatures of at least 5 survivors .* found 4"):
        world.answer("shop000", OpenRequest(plan.digest, few).to_bytes())


def test_signatures_of_another_sum_open_nothing() -> None:
    world, plan = at("open")
    old = dict(world.coordinator._state.agreements)
    world.until({"ready"})
    world.coordinator.begin(TERMS)
    world.until({"open"})
    later = world.coordinator._state.plan
    assert later is not None
    with pytest.raises(WireError, match="signed by its key in the roster"):
        world.answer("shop000", OpenRequest(later.digest, old).to_bytes())
    with pytest.raises(SumRefused, match="found another, or one that is done"):
        world.answer("shop000", OpenRequest(plan.digest, old).to_bytes())


def test_shares_are_given_for_no_set_that_was_not_signed() -> None:
    world, plan = at("agree")
    with pytest.raises(SumRefused, match="expected signatures of at least 5 survivors"):
        world.answer("shop000", OpenRequest(plan.digest, {}).to_bytes())


def test_shares_are_of_one_kind_for_each_party_and_given_once() -> None:
    world, plan = at("mask")
    world.exchange(gone=["shop003"])
    world.until({"open"})
    message = world.coordinator.outgoing()["shop000"]
    given = Shares.from_bytes(world.answer("shop000", message))
    assert [number for number, one in given.owners.items() if one.mask] == [3]
    assert [number for number, one in given.owners.items() if one.self_mask] == [0, 1, 2, 4, 5]
    other = {3: b"\x00" * 64, **world.coordinator._state.agreements}
    with pytest.raises(SumRefused, match="one that is done"):
        world.answer("shop000", OpenRequest(plan.digest, dict(sorted(other.items()))).to_bytes())


@pytest.mark.parametrize("change", [{"terms": replace(TERMS, most=2**11)}, {"number": 0}])
def test_a_number_masks_one_vector(change: dict) -> None:
    """Two vectors under one mask would tell their difference."""
    world, plan = at("agree")
    world.answer("shop000", survivors(plan, range(6)))
    again = MaskRequest(replace(plan, **change), {})
    with pytest.raises(SumRefused, match="expected a sum's number of 1 to 2, each once; found 0"):
        world.answer("shop000", again.to_bytes())


def test_a_number_that_was_passed_over_masks_nothing_later() -> None:
    world, plan = at("agree")
    world.answer("shop000", MaskRequest(replace(plan, number=2), {}).to_bytes())
    with pytest.raises(SumRefused, match="found 1"):
        world.answer("shop000", MaskRequest(replace(plan, number=1), {}).to_bytes())


def test_a_message_that_comes_again_gets_the_bytes_of_before_and_never_others() -> None:
    world, _ = at("mask")
    message = world.coordinator.outgoing()["shop000"]
    first = world.answer("shop000", message)
    world.values["shop000"] = world.values["shop000"] / 2
    assert world.answer("shop000", message) == first


def test_a_request_for_keys_that_comes_again_later_does_not_end_the_set_up() -> None:
    world, _ = at("agree")
    state = world.parties["shop000"].to_bytes()
    with pytest.raises(SumRefused, match="expected one request for keys a set-up"):
        world.answer("shop000", world.coordinator._state.request.to_bytes())
    assert world.parties["shop000"].to_bytes() == state


def test_messages_of_an_earlier_set_up_are_refused_in_a_later_one() -> None:
    world, plan = at("agree")
    old = MaskRequest(replace(plan, number=1), {}).to_bytes()
    world.set_up_again()
    world.until({"ready"})
    for message, words in ((old, "found one of another"), (survivors(plan, range(6)), "found another")):
        with pytest.raises(SumRefused, match=words):
            world.answer("shop000", message)


def test_members_who_advertised_no_keys_or_without_the_party_itself_are_refused() -> None:
    world, _ = at("mask")
    asked = MaskRequest.from_bytes(world.coordinator.outgoing()["shop000"])
    for members in ((1, 2, 3, 4, 5), (0, 1, 2, 3, 4, 7)):
        with pytest.raises(SumRefused, match="expected members among those who advertised keys, this party one"):
            world.answer("shop000", replace(asked, plan=replace(asked.plan, members=members)).to_bytes())


def test_other_members_in_a_later_sum_are_refused() -> None:
    world, plan = at("agree")
    with pytest.raises(SumRefused, match="expected the members of the set-up's first sum"):
        world.answer("shop000", MaskRequest(replace(plan, number=1, members=tuple(range(5))), {}).to_bytes())


@pytest.mark.parametrize("other", [{"kind": b"masked"}, {"setup": b"\x02" * 32}, {"body": b"other"}])
def test_what_signs_one_step_of_one_set_up_signs_no_other(other: dict) -> None:
    said = {"kind": AGREEMENT, "setup": b"\x01" * 32, "body": b"body"}
    found = signature(signing_key("shop000"), "shop000", **said)
    require_signature(member("shop000"), **said, signature=found)
    with pytest.raises(WireError, match="expected a message of shop000 signed"):
        require_signature(member("shop000"), **{**said, **other}, signature=found)


def test_what_one_party_signed_is_not_taken_for_anothers() -> None:
    """Not even where both have one key."""
    found = signature(signing_key("shop000"), "shop000", AGREEMENT, b"\x01" * 32, b"body")
    with pytest.raises(WireError, match="expected a message of shop001 signed"):
        require_signature(member("shop001", "shop000"), AGREEMENT, b"\x01" * 32, b"body", found)


def test_parties_that_were_told_different_tasks_make_no_sum_together() -> None:
    """Without the context in what is signed, a coordinator could ask one party alone for a vector of its choice."""
    world, plan = at("mask")
    messages = world.coordinator.outgoing()
    other = replace(plan, terms=replace(plan.terms, about=bytes([1]) * 32))
    asked = MaskRequest.from_bytes(messages["shop000"])
    masked = world.answer("shop000", replace(asked, plan=other).to_bytes())
    with pytest.raises(WireError, match="expected an answer for the sum under way; found one for another"):
        world.coordinator.take("shop000", masked)
    with pytest.raises(SumRefused, match="expected the sum for which a masked vector left; found another"):
        world.answer("shop000", survivors(plan, range(6)))
