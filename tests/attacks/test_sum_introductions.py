"""A coordinator that introduces platforms of its own making: nothing is summed with them but by the operator's word."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from client.rounds.known_parties import SUM_PARTIES
from client.store.head_store import HeadStore
from shared.federation.messages import Failed, FailureCode
from shared.federation.sum_messages import SumReply
from shared.federation.wire import decode_sum_reply
from shared.secure_sum.coordinator import Coordinator
from shared.secure_sum.endorsement import endorsement
from shared.secure_sum.introduction import Introduction, introductions_to_bytes
from shared.secure_sum.roster import Member, Roster
from shared.secure_sum.terms import SetupTerms
from shared.system.utc_clock import utc_now
from tests.secure_sum_world import member
from tests.sum_shops import SumShops, sum_shops

REFUSED = Failed(round=1, code=FailureCode.PARTIES_UNKNOWN)


def introduced(one: Member, number: int) -> Introduction:
    key = ec.derive_private_key(number + 1, ec.SECP384R1())
    text = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return Introduction(one, text.decode(), endorsement(key, one))


def all_of(members) -> list[Introduction]:
    return [introduced(one, number) for number, one in enumerate(members)]


def asked(shops: SumShops, members, introductions, nonce: int = 0) -> SumReply | Failed:
    """What shop0 answers where it is asked for keys."""
    coordinator = Coordinator.of(Roster.of(members), SetupTerms(sums=1), bytes([nonce] * 32))
    message = coordinator.outgoing()["shop0"]
    content = shops.content("shop0", message, introductions=introductions_to_bytes(introductions))
    return decode_sum_reply(content)


@pytest.fixture
def shops(tmp_path) -> SumShops:
    """Nobody knows anybody yet."""
    made = sum_shops(tmp_path)
    HeadStore(tmp_path / "shop0").delete(SUM_PARTIES)
    return made


def knows(shops: SumShops) -> tuple[list[str], list[str]]:
    found = shops.own("shop0").parties
    return list(found.known), list(found.waiting)


def test_the_first_platforms_are_taken_and_a_further_one_is_not_until_it_is_accepted(shops) -> None:
    members, sybil = shops.roster.members, member("sybil")
    assert isinstance(asked(shops, members, all_of(members)), SumReply)
    more = [*members, sybil]
    assert asked(shops, more, all_of(more), nonce=1) == REFUSED
    assert knows(shops) == (["shop0", "shop1", "shop2"], ["sybil"])
    assert isinstance(asked(shops, members, all_of(more), nonce=2), SumReply)
    shops.own("shop0").accept(["sybil"], utc_now())
    assert isinstance(asked(shops, more, all_of(more), nonce=3), SumReply)


def test_a_known_name_with_another_key_is_refused(shops) -> None:
    members = shops.roster.members
    asked(shops, members, all_of(members))
    forged = [*members[:2], replace(members[2], key=member("forged").key)]
    assert asked(shops, forged, all_of(forged), nonce=1) == REFUSED
    assert knows(shops) == (["shop0", "shop1", "shop2"], ["shop2"])


def test_who_is_not_introduced_is_not_known(shops) -> None:
    members = shops.roster.members
    assert asked(shops, [*members, member("sybil")], all_of(members)) == REFUSED


def test_under_a_strict_policy_nobody_is_taken_unasked(tmp_path) -> None:
    shops = sum_shops(tmp_path, policy='parties = "accepted"\n')
    HeadStore(tmp_path / "shop0").delete(SUM_PARTIES)
    members = shops.roster.members
    assert asked(shops, members, all_of(members)) == REFUSED
    assert knows(shops) == ([], ["shop0", "shop1", "shop2"])
    shops.own("shop0").accept(["shop0", "shop1", "shop2"], utc_now())
    assert isinstance(asked(shops, members, all_of(members), nonce=1), SumReply)


def test_a_key_that_the_node_key_did_not_sign_for_is_not_taken_on_first_use(shops) -> None:
    members = shops.roster.members
    forged = all_of(members)
    forged[1] = replace(forged[1], endorsement=forged[2].endorsement)
    assert asked(shops, members, forged) == Failed(round=1, code=FailureCode.PROTOCOL)
    assert knows(shops) == ([], [])
