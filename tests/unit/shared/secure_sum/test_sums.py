"""A secure sum is the plain one, whoever drops out when; too many drop-outs end it with one error."""

import numpy as np
import pytest

from shared.errors import ConfigError, SumFailed
from shared.secure_sum.quorum import most_missing, quorum
from shared.secure_sum.terms import Noise, SetupTerms
from tests.secure_sum_world import TERMS, SumWorld, names, sum_world

STAGES = ("keys", "shares", "mask", "agree", "open")
LARGE = {0: 33, 1: 40, 2: 100}
"""parties of the first cases; the others have up to 12, every tenth up to 32"""


def drawn_case(case: int) -> tuple[SumWorld, dict[str, set[str]]]:
    """Parties, and who drops out in which stage and never comes back: as many as may, at most."""
    rng = np.random.default_rng(case)
    count = LARGE.get(case, int(rng.integers(2, 13 if case % 10 else 33)))
    may = most_missing(count) if count <= 32 else most_missing(count) // 3
    gone = rng.permutation(names(count))[: rng.integers(may + 1)]
    drops: dict[str, set[str]] = {stage: set() for stage in STAGES}
    for party in gone:
        for stage in STAGES[rng.integers(len(STAGES)) :]:
            drops[stage].add(str(party))
    return sum_world(count, seed=case), drops


@pytest.mark.parametrize("block", range(20))
def test_the_sum_is_the_plain_sum_of_the_rounded_values(block: int) -> None:
    """200 cases."""
    for case in range(block, 200, 20):
        world, drops = drawn_case(case)
        result = world.sum(drops=drops)
        assert world.refused == []
        assert set(result.survivors) == set(world.parties) - drops["mask"]
        assert result.cells.tolist() == world.plain(result).tolist()
        assert result.values.tolist() == (world.plain(result) * 2.0**-10).tolist()


@pytest.mark.parametrize("stage", STAGES)
def test_one_drop_out_more_than_may_be_ends_it_with_one_error_and_no_result(stage: str) -> None:
    world = sum_world(7)
    too_many = names(7)[: most_missing(7) + 1]
    with pytest.raises(SumFailed, match=f"expected at least 5 of 7 parties that .*; found 4; missing: {too_many[0]}"):
        world.sum(drops={stage: too_many})
    assert world.coordinator.result is None
    assert world.coordinator.stage == ("over" if stage in ("keys", "shares") else "ready")


@pytest.mark.parametrize("stage", ["mask", "agree"])
def test_no_share_was_given_in_a_sum_that_ended_so(stage: str) -> None:
    world = sum_world(7)
    with pytest.raises(SumFailed):
        world.sum(drops={stage: names(7)[:3]})
    assert {sent.stage for sent in world.sent} & {"open"} == set()


def test_a_sum_that_failed_goes_on_with_the_next_number() -> None:
    world = sum_world(5, SetupTerms(sums=3))
    with pytest.raises(SumFailed):
        world.sum(drops={"mask": names(5)[:3]})
    result = world.sum()
    assert len(result.survivors) == 5
    assert world.coordinator.sums_left == 1
    assert result.cells.tolist() == world.plain(result).tolist()


def test_who_drops_in_one_sum_takes_part_in_the_next_with_the_keys_of_that_one() -> None:
    world = sum_world(7, SetupTerms(sums=3))
    first, second = world.sum(drops={"mask": ["shop001", "shop004"]}), world.sum()
    assert (len(first.survivors), len(second.survivors)) == (5, 7)
    for result in (first, second):
        assert result.cells.tolist() == world.plain(result).tolist()


def test_who_never_sent_shares_is_no_member_of_any_sum_of_the_set_up() -> None:
    world = sum_world(7, SetupTerms(sums=2))
    for _ in range(2):
        assert "shop002" not in world.sum(drops={"shares": ["shop002"]}).survivors


def test_every_sum_of_a_set_up_is_the_plain_one_and_then_there_is_none() -> None:
    world = sum_world(4, SetupTerms(sums=3))
    for _ in range(3):
        result = world.sum()
        assert result.cells.tolist() == world.plain(result).tolist()
    with pytest.raises(ConfigError, match="expected one of 3 of the set-up; all were begun"):
        world.sum()


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_noise_is_what_the_result_says_and_at_least_what_was_asked_for(missing: int) -> None:
    terms = type(TERMS)(length=20_000, exponent=-10, most=2**10, noise=Noise(spread=0.5))
    world = sum_world(8, SetupTerms(sums=1, noised=True), length=20_000)
    result = world.sum(terms, drops={"mask": names(8)[:missing]})
    noise = result.values - world.plain(result) * 2.0**-10
    assert result.noise_variance >= 0.25 * (1 - 1e-9)
    assert result.noise_variance == pytest.approx(0.25)
    assert noise.var() == pytest.approx(result.noise_variance, rel=0.05)


def test_surplus_noise_is_taken_off_although_its_owner_has_dropped_since() -> None:
    """Two of eight may drop: after none at first, the parts for two are opened from the others' shares."""
    terms = type(TERMS)(length=20_000, exponent=-10, most=2**10, noise=Noise(spread=0.5))
    world = sum_world(8, SetupTerms(sums=1, noised=True), length=20_000)
    result = world.sum(terms, drops={"agree": ["shop003"], "open": ["shop003", "shop005"]})
    assert len(result.survivors) == 8
    assert (result.values - world.plain(result) * 2.0**-10).var() == pytest.approx(0.25, rel=0.05)


def test_a_set_up_without_seeds_of_noise_bears_no_sum_with_it() -> None:
    world = sum_world(4)
    with pytest.raises(ConfigError, match="the set-up shared no seeds of it"):
        world.sum(type(TERMS)(length=9, exponent=-10, most=2**10, noise=Noise(spread=0.5)))


def test_the_coordinator_says_who_is_missing() -> None:
    world = sum_world(4)
    world.until({"shares"})
    world.coordinator.take("shop002", world.answer("shop002", world.coordinator.outgoing()["shop002"]))
    assert world.coordinator.missing == ("shop000", "shop001", "shop003")
    assert set(world.coordinator.outgoing()) == set(world.coordinator.missing)


def test_more_than_two_thirds_make_a_quorum() -> None:
    for parties in range(2, 200):
        assert quorum(parties) > 2 * parties / 3 >= quorum(parties) - 1
        assert 2 * quorum(parties) - parties > parties / 3
