"""Secure sums: two sums whose parties differ by one would tell what that one sent."""

import numpy as np
import pytest

from shared.errors import SumFailed, SumRefused
from shared.secure_sum.apart import MOST_SETS, SetHistory
from shared.secure_sum.party import Party
from shared.secure_sum.party_policy import PartyPolicy
from shared.secure_sum.terms import Noise, SetupTerms, SumTerms
from tests.secure_sum_world import TERMS, SumWorld, names, signing_key, sum_world

SHOPS = names(7)
TWO = SetupTerms(sums=2)
NOISED = SumTerms(length=TERMS.length, exponent=-10, most=2**10, noise=Noise(spread=0.5))
REFUSAL = "expected the parties of an earlier sum, or 3 others at least, where no noise is added; found 1 that joined"


def test_without_the_rule_the_difference_is_the_vector_of_one_party(monkeypatch) -> None:
    monkeypatch.setattr(SetHistory, "require_apart", lambda *_: None)
    world = sum_world(7, TWO, least=3)
    whole, without = world.sum(), world.sum(drops={"mask": ["shop004"]})
    assert (whole.cells - without.cells).tolist() == np.rint(world.values["shop004"] * 2**10).astype(int).tolist()


def test_a_second_sum_without_one_of_the_parties_is_refused_by_all_others() -> None:
    world = sum_world(7, TWO, least=3)
    world.sum()
    with pytest.raises(SumFailed):
        world.sum(drops={"mask": ["shop004"]})
    assert len(world.refused) == 6
    assert all(one.startswith(REFUSAL) for one in world.refused)
    assert {sent.stage for sent in world.sent[-6:]} == {"mask"}


@pytest.mark.parametrize("first", [SHOPS[:6], SHOPS], ids=["one joined", "one left"])
def test_rosters_that_differ_by_one_are_refused_before_shares_are_given(first: list[str]) -> None:
    """Across set-ups and restarts."""
    second = SHOPS if len(first) < len(SHOPS) else SHOPS[:6]
    world = sum_world(7, least=3)
    world.set_up_again(parties=first)
    world.sum()
    restart(world)
    world.set_up_again(parties=second)
    with pytest.raises(SumFailed):
        world.until({"ready"})
    assert len(world.refused) == 6
    assert all(one.startswith(REFUSAL) for one in world.refused)


def restart(world: SumWorld, least: int = 3) -> None:
    policy = next(iter(world.parties.values()))._policy
    for name, party in world.parties.items():
        again = PartyPolicy(policy.trusted, least, policy.least_spread)
        world.parties[name] = Party(name, signing_key(name), again, party.to_bytes())


def test_the_same_parties_and_parties_that_differ_by_the_least_are_taken() -> None:
    world = sum_world(7, least=3)
    for parties in (SHOPS, SHOPS, SHOPS[:4], SHOPS[3:]):
        world.set_up_again(parties=parties)
        assert len(world.sum().survivors) == len(parties)


def test_noise_that_counts_makes_the_difference_safe_and_noise_that_does_not_does_not() -> None:
    for spread, refusals in ((0.5, 0), (0.6, 6)):
        world = sum_world(7, SetupTerms(sums=2, noised=True), least=3, spread=spread)
        world.sum()
        world.coordinator.begin(NOISED)
        world.until({"agree"}, drops={"mask": ["shop004"]})
        out = world.coordinator.outgoing()
        for name, message in out.items():
            world.ask("agree", name, message)
        assert len(world.refused) == refusals


def test_no_noise_counts_unless_the_policy_says_from_which_spread_on() -> None:
    """Else terms with noise of next to nothing would get around the rule."""
    policy = sum_world(3).parties["shop000"]._policy
    assert PartyPolicy(policy.trusted).is_bare(NOISED)
    assert PartyPolicy(policy.trusted, 3, 0.6).is_bare(NOISED)
    assert not PartyPolicy(policy.trusted, 3, 0.5).is_bare(NOISED)


def test_sums_with_noise_enter_no_history() -> None:
    world = sum_world(7, SetupTerms(sums=2, noised=True), least=3)
    world.sum(NOISED)
    assert len(world.sum(drops={"mask": ["shop004"]}).survivors) == 6


def prints(number: int) -> list[bytes]:
    return [bytes([10 * one % 256, number // 256, number % 256] + [0] * 13) for one in range(9)]


def test_the_history_is_bounded_and_forgets_no_set_however_many_are_asked_for() -> None:
    """Else a coordinator would ask for other sets until the first is forgotten, and then for that without one."""
    history = SetHistory()
    for number in (*range(MOST_SETS), MOST_SETS - 1):
        history.require_apart(prints(number), 3)
        history = history.with_set(prints(number))
    assert len(history.sets) == MOST_SETS
    with pytest.raises(SumRefused, match="expected the parties of one of 256 earlier sums"):
        history.require_apart(prints(MOST_SETS), 3)
    history.require_apart(prints(0), 3)
    for known in history.sets:
        with pytest.raises(SumRefused, match="found 1 that joined or left"):
            history.require_apart(list(known)[1:], 3)
