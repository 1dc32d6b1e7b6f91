"""Cohorts are drawn from the run's seed and the round, and may be summed beside those of before."""

from server.rounds.drawn_cohorts import DrawnCohorts
from server.rounds.sum_roster import introduced_text, roster_of
from server.rounds.summed_sets import SummedSets
from shared.secure_sum.introduction import read_introductions
from tests.device_world import cohorts
from tests.secure_sum_world import member
from tests.unit.shared.secure_sum.test_introduction import introduced

THERE = [member(f"device-{number:02}") for number in range(20)]
DRAWN = DrawnCohorts(config=cohorts(cohort=6, least_parties=4, min_platforms=4))


def test_a_cohort_is_of_as_many_as_are_asked_for() -> None:
    drawn = DRAWN.summed(1, THERE, SummedSets(least=4))
    assert drawn is not None
    assert len(drawn) == 6
    assert drawn == DRAWN.summed(1, list(reversed(THERE)), SummedSets(least=4))
    assert drawn != DRAWN.summed(2, THERE, SummedSets(least=4))


def test_so_many_more_are_asked_as_may_break_off() -> None:
    more = DrawnCohorts(config=cohorts(cohort=6, over_sampling=1.5))
    assert len(more.names(1, [each.party for each in THERE])) == 9
    assert len(more.names(1, [each.party for each in THERE[:7]])) == 7


def test_too_few_make_no_cohort() -> None:
    assert DRAWN.summed(1, THERE[:5], SummedSets(least=4)) is None


def test_each_cohort_differs_by_enough_from_those_of_before_or_is_one_of_them() -> None:
    sets = SummedSets(least=4)
    for number in range(1, 9):
        drawn = DRAWN.summed(number, THERE, sets)
        assert drawn is not None
        assert all(len(drawn ^ known) >= 4 or drawn == known for known in sets.sets())
        sets.add(drawn)


def test_where_none_can_be_drawn_the_newest_of_before_that_is_there_is_taken() -> None:
    sets = SummedSets(least=4)
    sets.add(THERE[10:])
    sets.add(THERE[:5])
    sets.add(THERE[2:7])
    assert DRAWN.summed(1, THERE[:6], sets) is None
    assert DRAWN.summed_before(THERE[:6], sets) == frozenset(THERE[:5])
    assert DRAWN.summed_before(THERE[:4], sets) is None


def test_a_cohort_is_introduced_alone() -> None:
    everybody = [introduced(name, number) for number, name in enumerate(("north", "south", "west"), 5)]
    registered = roster_of(introduced_text(everybody))
    assert registered is not None
    assert read_introductions(registered.introducing({"north", "west"})) == (everybody[0], everybody[2])
