import pytest

from server.rounds.sum_roster import roster_of, roster_text
from server.rounds.sum_terms import FINE, sum_terms
from shared.errors import ConfigError
from shared.secure_sum.fixed_point import FixedPoint
from shared.secure_sum.roster import Roster
from tests.secure_sum_world import member, names

ABOUT = bytes(range(32))


@pytest.mark.parametrize(
    ("bound", "parties", "bits"),
    [(16.0, 3, 32), (16.0, 100, 32), (0.25, 8, 24), (0.002, 8, 16), (1000.0, 100, 40)],
)
def test_takes_the_narrowest_ring_that_is_fine_enough(bound, parties, bits) -> None:
    terms = sum_terms(7, bound, parties, ABOUT)
    assert FixedPoint.of(terms, parties).ring.bits == bits
    assert 2.0**terms.exponent / 2 <= FINE
    assert bound - 2.0**terms.exponent < terms.bound <= bound
    assert (terms.length, terms.about) == (7, ABOUT)


def test_refuses_a_bound_that_no_ring_is_fine_enough_for() -> None:
    with pytest.raises(ConfigError, match="expected a bound for which a sum of 100 platforms is fine enough; got 1e"):
        sum_terms(7, 1e9, 100, ABOUT)


def test_reads_back_the_keys_that_it_wrote() -> None:
    roster = Roster.of(member(name) for name in names(3))
    assert roster_of(roster_text(roster)) == roster
    assert roster_of("") is None


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"a": "zz"}', '{"a": 3}', '{"a": "00"}'])
def test_refuses_keys_that_are_none(text) -> None:
    with pytest.raises(ConfigError):
        roster_of(text)
