"""A roster is the same for the same members, in whatever order they are named."""

from shared.secure_sum.fields import Reader
from shared.secure_sum.roster import Roster
from tests.secure_sum_world import member


def test_order_changes_nothing_and_every_name_and_key_does() -> None:
    roster = Roster.of([member("a"), member("b"), member("c")])
    assert roster.digest == Roster.of([member("c"), member("a"), member("b")]).digest
    others = ([member("a"), member("b")], [member("a"), member("b"), member("c", "d")], [member("a"), member("d")])
    assert len({roster.digest, *(Roster.of(one).digest for one in others)}) == 4


def test_holds_who_is_in_it_by_the_same_key() -> None:
    roster = Roster.of([member("a"), member("b"), member("c")])
    assert roster.holds(Roster.of([member("a"), member("c")]))
    assert not roster.holds(Roster.of([member("a"), member("d")]))
    assert not roster.holds(Roster.of([member("a"), member("c", "d")]))


def test_comes_back_from_its_bytes() -> None:
    roster = Roster.of([member("a"), member("b")])
    assert Roster.read(Reader("a roster", roster.to_bytes())) == roster
