"""The platforms that one knows: taken on first use, and then nothing changes but by its operator."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from client.rounds.known_parties import SUM_PARTIES, KnownParties
from client.rounds.own_party import OwnParty
from client.store.head_store import HeadStore, StoredRecord
from shared.errors import ConfigError, HeadStoreError, UnknownParties
from shared.secure_sum.introduction import introductions_to_bytes
from tests.secure_sum_world import member
from tests.unit.shared.secure_sum.test_introduction import introduced

NOON, LATER = datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 2, 12, tzinfo=UTC)
NORTH, SOUTH, EAST = introduced("north", 7), introduced("south", 8), introduced("east", 9)
OTHER_NODE = introduced("south", 10)
OTHER_KEY = replace(SOUTH, member=member("south", "other"))
FIRST = KnownParties().met([NORTH, SOUTH], NOON, first_use=True)


def test_the_first_that_are_introduced_are_taken_on_first_use() -> None:
    assert (sorted(FIRST.known), FIRST.waiting) == (["north", "south"], {})
    assert FIRST.roster.members == (NORTH.member, SOUTH.member)
    assert FIRST.known["north"].since == "2026-03-01T12:00:00+00:00"


def test_the_first_wait_too_where_the_policy_says_so() -> None:
    found = KnownParties().met([NORTH, SOUTH], NOON, first_use=False)
    assert (found.known, sorted(found.waiting)) == ({}, ["north", "south"])
    with pytest.raises(UnknownParties, match="found none"):
        _ = found.roster


@pytest.mark.parametrize("changed", [OTHER_NODE, OTHER_KEY], ids=["node key", "key for sums"])
def test_a_changed_key_waits_and_the_known_one_stays(changed) -> None:
    found = FIRST.met([NORTH, changed], LATER, first_use=True)
    assert (found.known, sorted(found.waiting)) == (FIRST.known, ["south"])
    taken = found.accepted(["south"], LATER)
    assert (taken.known["south"].key, taken.waiting) == (changed.member.key.hex(), {})
    assert taken.known["south"].since == "2026-03-02T12:00:00+00:00"


def test_a_new_name_waits_since_it_came_first() -> None:
    found = FIRST.met([NORTH, SOUTH, EAST], NOON, first_use=True).met([NORTH, SOUTH, EAST], LATER, first_use=True)
    assert (found.known, list(found.waiting)) == (FIRST.known, ["east"])
    assert found.waiting["east"].since == "2026-03-01T12:00:00+00:00"


def test_nothing_introduced_changes_nothing() -> None:
    found = FIRST.met([NORTH, SOUTH, EAST], NOON, first_use=True)
    assert found.met([], LATER, first_use=True) == found


def test_who_does_not_wait_cannot_be_accepted() -> None:
    with pytest.raises(ConfigError, match=r"waits to be accepted \(none\); got east"):
        FIRST.accepted(["east"], LATER)


def test_comes_back_from_the_vault(tmp_path) -> None:
    found, heads = FIRST.met([EAST], NOON, first_use=True), HeadStore(tmp_path)
    assert KnownParties.read(heads) == KnownParties()
    found.write(heads)
    assert KnownParties.read(heads) == found


def test_a_damaged_record_is_refused(tmp_path) -> None:
    HeadStore(tmp_path).write(SUM_PARTIES, StoredRecord(arrays={}, facts={"known": [{"name": "north"}]}))
    with pytest.raises(HeadStoreError, match="damaged"):
        KnownParties.read(HeadStore(tmp_path))


def test_a_device_sums_with_those_of_the_last_introduction_alone(tmp_path) -> None:
    heads = HeadStore(tmp_path)
    own = OwnParty(heads, "phone")
    for names in (("north", "south"), ("east", "south")):
        own.sum_with(introductions_to_bytes([introduced(name, 7 + len(name)) for name in names]), NOON)
        assert (sorted(own.parties.known), own.parties.waiting) == (sorted(names), {})
    own.sum_with(b"", NOON)
    assert sorted(own.parties.known) == ["east", "south"]
