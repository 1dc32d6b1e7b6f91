"""Secure sums: impersonated parties, a coordinator that plays several, too few parties, late and replayed keys."""

from dataclasses import replace

import numpy as np
import pytest

from shared.errors import SumFailed, SumRefused, WireError
from shared.secure_sum.coordinator import Coordinator
from shared.secure_sum.own_secrets import OwnSecrets
from shared.secure_sum.party_policy import PartyPolicy
from shared.secure_sum.roster import Roster
from shared.secure_sum.setup_messages import ADVERT, Advert, KeyBook, SetupRequest
from shared.secure_sum.signing import signature
from tests.secure_sum_world import ONE, TERMS, SumWorld, member, names, signing_key, sum_world

OTHERS_SECRETS = OwnSecrets.drawn(1, np.random.default_rng(9).bytes)
NONCE = b"\x01" * 32


def own_advert(request: SetupRequest, party: str, key: str) -> Advert:
    """Of keys that the attacker has, for a party, signed by some key."""
    advert = OTHERS_SECRETS.advert(request)
    return replace(advert, signature=signature(signing_key(key), party, ADVERT, request.digest, advert.body))


def at_shares(count: int = 4, least: int = 3) -> tuple[SumWorld, SetupRequest, KeyBook]:
    world = sum_world(count, least=least)
    world.until({"shares"})
    book = KeyBook.from_bytes(world.coordinator.outgoing()["shop000"])
    return world, world.coordinator._state.request, book


def told(world: SumWorld, book: KeyBook) -> bytes:
    return world.answer("shop000", book.to_bytes())


def test_keys_that_the_coordinator_made_for_a_party_are_refused_by_the_others() -> None:
    world, request, book = at_shares()
    forged = KeyBook({**book.adverts, 2: own_advert(request, "shop002", key="coordinator")})
    with pytest.raises(WireError, match="expected a message of shop002 signed by its key in the roster"):
        told(world, forged)


def test_keys_of_one_party_are_not_taken_for_anothers() -> None:
    world, _, book = at_shares()
    with pytest.raises(WireError, match="expected a message of shop002 signed by its key"):
        told(world, KeyBook({**book.adverts, 2: book.adverts[1]}))


def test_a_party_enrolled_by_another_name_cannot_advertise_for_it() -> None:
    world = sum_world(4)
    with pytest.raises(WireError, match="expected a message of shop001 signed by its key"):
        world.coordinator.take("shop001", world.answer("shop002", world.coordinator.outgoing()["shop002"]))


@pytest.mark.parametrize("added", [["sybil"], ["sybil", "sybil2"]])
def test_a_coordinator_that_plays_parties_of_its_own_gets_no_keys(added: list[str]) -> None:
    world = sum_world(3)
    roster = Roster.of([*(member(name) for name in names(3)), *(member(name) for name in added)])
    request = SetupRequest(NONCE, ONE, roster)
    with pytest.raises(SumRefused, match=f"found {len(added)} unknown names, and 0 other keys"):
        world.answer("shop000", request.to_bytes())


def test_a_coordinator_that_puts_its_own_key_beside_a_known_name_gets_no_keys() -> None:
    world = sum_world(3)
    roster = Roster.of([member("shop000"), member("shop001"), member("shop002", "coordinator")])
    with pytest.raises(SumRefused, match="found 0 unknown names, and 1 other keys"):
        world.answer("shop000", SetupRequest(NONCE, ONE, roster).to_bytes())


def test_a_roster_without_the_party_itself_gets_no_keys() -> None:
    world = sum_world(4)
    roster = Roster.of(member(name) for name in names(4)[1:])
    with pytest.raises(SumRefused, match="expected shop000 with its own key in a roster"):
        world.answer("shop000", SetupRequest(NONCE, ONE, roster).to_bytes())


def test_a_party_asks_for_as_many_parties_as_its_own_policy_says() -> None:
    world = sum_world(4, least=4)
    roster = Roster.of(member(name) for name in names(3))
    with pytest.raises(SumRefused, match="expected at least 4 parties among a roster; found 3"):
        world.answer("shop000", SetupRequest(NONCE, ONE, roster).to_bytes())


def test_three_parties_are_the_least_by_default() -> None:
    assert PartyPolicy(Roster.of(member(name) for name in names(3))).least_parties == 3


@pytest.mark.parametrize(("stage", "what"), [("keys", "those who advertised keys"), ("shares", "the members of a sum")])
def test_the_least_holds_of_who_really_takes_part(stage: str, what: str) -> None:
    """Seven were asked, five are a quorum, six are what the parties want."""
    world = sum_world(7, least=6)
    with pytest.raises(SumFailed):
        world.sum(drops={stage: ["shop001", "shop002"]})
    assert set(world.refused) == {f"expected at least 6 parties among {what}; found 5"}


def test_the_least_holds_of_the_survivors() -> None:
    world = sum_world(7, least=6)
    with pytest.raises(SumFailed):
        world.sum(drops={"mask": ["shop001", "shop002"]})
    assert set(world.refused) == {"expected at least 6 parties among the survivors; found 5"}


def test_keys_that_come_late_enter_no_set_up() -> None:
    world = sum_world(4)
    late = world.answer("shop003", world.coordinator.outgoing()["shop003"])
    world.until({"shares"}, drops={"keys": ["shop003"]})
    with pytest.raises(WireError, match="expected answers of those who were asked in the stage shares"):
        world.coordinator.take("shop003", late)


def test_a_book_with_keys_that_came_late_is_refused_by_who_has_one() -> None:
    world, _, book = at_shares(least=2)
    without = KeyBook({number: one for number, one in book.adverts.items() if number != 3})
    told(world, without)
    with pytest.raises(SumRefused, match="expected one book of keys after each request for keys; found one more"):
        told(world, book)


def test_a_book_with_other_keys_of_the_party_itself_is_refused() -> None:
    world, request, book = at_shares()
    with pytest.raises(SumRefused, match="expected the keys that this party advertised"):
        told(world, KeyBook({**book.adverts, 0: own_advert(request, "shop000", key="shop000")}))


def test_keys_of_an_earlier_set_up_are_refused_in_a_later_one() -> None:
    world, _, before = at_shares()
    world.set_up_again()
    world.until({"shares"})
    book = KeyBook.from_bytes(world.coordinator.outgoing()["shop000"])
    with pytest.raises(WireError, match="expected a message of shop001 signed by its key in the roster for this set"):
        told(world, KeyBook({**book.adverts, 1: before.adverts[1]}))


def test_keys_that_give_everybody_the_same_secret_are_refused() -> None:
    """X25519's points of low order, which an enrolled party may advertise."""
    world = sum_world(4)
    request = world.coordinator._state.request
    advert = Advert.from_bytes(world.answer("shop001", world.coordinator.outgoing()["shop001"]))
    for low in (
        replace(advert, encryption=bytes(32)),
        replace(advert, sums=(replace(advert.sums[0], mask=bytes(32)),)),
    ):
        signed = signature(signing_key("shop001"), "shop001", ADVERT, request.digest, low.body)
        with pytest.raises(WireError, match="expected an X25519 public key of full order"):
            world.coordinator.take("shop001", replace(low, signature=signed).to_bytes())


def test_keys_that_stand_twice_in_a_book_are_refused() -> None:
    """A party that repeats another's mask key would take that one's masks off again."""
    world, request, book = at_shares()
    body = book.adverts[1].body
    copied = signature(signing_key("shop002"), "shop002", ADVERT, request.digest, body)
    with pytest.raises(WireError, match="expected each key once; found one twice"):
        told(world, KeyBook({**book.adverts, 2: replace(book.adverts[1], signature=copied)}))


def test_two_parties_that_are_shown_different_rosters_open_nothing() -> None:
    """The coordinator plays a part of the cohort for one half and another for the other."""
    world = sum_world(6, least=3)
    halves = (names(6)[:4], names(6)[2:])
    for shown, party in zip(halves, ("shop000", "shop005"), strict=True):
        request = SetupRequest(NONCE, ONE, Roster.of(member(name) for name in shown))
        world.answer(party, request.to_bytes())
    other = Coordinator.of(Roster.of(member(name) for name in halves[1]), ONE, NONCE)
    mixed = world.answer("shop002", SetupRequest(NONCE, ONE, Roster.of(member(n) for n in halves[0])).to_bytes())
    with pytest.raises(WireError, match="signed by its key in the roster for this set-up"):
        other.take("shop002", mixed)


def test_terms_are_the_same_for_all_or_nothing_is_opened() -> None:
    assert TERMS.noise is None
    world = sum_world(5)
    world.until({"ready"})
    world.coordinator.begin(TERMS)
    coarse = Coordinator.from_bytes(world.coordinator.to_bytes())
    coarse._state = replace(coarse._state, plan=replace(coarse._state.plan, terms=replace(TERMS, most=2**9)))
    world.values["shop004"] /= 4
    told_other = world.answer("shop004", coarse.outgoing()["shop004"])
    with pytest.raises(WireError, match="expected an answer for the sum under way; found one for another"):
        world.coordinator.take("shop004", told_other)
