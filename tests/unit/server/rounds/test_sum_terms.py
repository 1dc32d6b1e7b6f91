from dataclasses import replace

import pytest

from server.rounds.sum_roster import roster_of, roster_text
from server.rounds.sum_terms import sum_terms
from shared.errors import ConfigError
from shared.federation.sum_vector import PartForm, VectorForm
from shared.secure_sum.fixed_point import FixedPoint
from shared.secure_sum.roster import Roster
from tests.secure_sum_world import member, names

ABOUT = bytes(range(32))
FINE = 2.0**-21
SMALL = PartForm(length=2, bound=1.0, fine=2.0**-16)


def updates(bound: float) -> VectorForm:
    return VectorForm(parts={"train": PartForm(length=7, bound=bound, fine=FINE)})


@pytest.mark.parametrize(
    ("bound", "parties", "bits"),
    [(16.0, 3, 32), (16.0, 100, 32), (0.25, 8, 24), (0.002, 8, 16), (1000.0, 100, 40)],
)
def test_takes_the_narrowest_ring_that_is_fine_enough(bound, parties, bits) -> None:
    terms = sum_terms(updates(bound), parties, ABOUT)
    assert FixedPoint.of(terms, parties).ring.bits == bits
    assert 2.0**terms.exponent / 2 <= FINE
    assert bound - 2.0**terms.exponent < terms.bound <= bound
    assert (terms.length, terms.about) == (7, ABOUT)


def test_a_part_of_small_numbers_makes_the_ring_no_wider_and_is_made_no_coarser() -> None:
    both = VectorForm(parts={"train": PartForm(length=7, bound=8.0, fine=FINE), "evaluate": SMALL})
    terms = sum_terms(both, 8, ABOUT)
    assert terms.exponent == sum_terms(updates(8.0), 8, ABOUT).exponent
    assert 2.0**terms.exponent / 2 / 8.0 <= SMALL.fine
    assert (terms.length, terms.bound) == (9, pytest.approx(8.0, abs=1e-6))


def test_a_part_that_must_be_finer_makes_the_ring_wider() -> None:
    fine = replace(SMALL, fine=2.0**-29)
    both = VectorForm(parts={"train": PartForm(length=7, bound=8.0, fine=FINE), "moments": fine})
    terms = sum_terms(both, 8, ABOUT)
    assert FixedPoint.of(terms, 8).ring.bits == 40
    assert 2.0**terms.exponent / 2 / 8.0 <= fine.fine


def test_refuses_a_bound_that_no_ring_is_fine_enough_for() -> None:
    with pytest.raises(ConfigError, match="expected bounds for which a sum of 100 platforms is fine enough; got 1e"):
        sum_terms(updates(1e9), 100, ABOUT)


def test_reads_back_the_keys_that_it_wrote() -> None:
    roster = Roster.of(member(name) for name in names(3))
    assert roster_of(roster_text(roster)).roster == roster
    assert roster_of("") is None


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"a": "zz"}', '{"a": 3}', '{"a": "00"}'])
def test_refuses_keys_that_are_none(text) -> None:
    with pytest.raises(ConfigError):
        roster_of(text)
