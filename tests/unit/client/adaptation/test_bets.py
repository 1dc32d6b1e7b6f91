"""Who bets on a mean or a preference where there is none gets rich with the probability that is allowed, at most."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.adaptation.mean_bets import wealth_above, wealth_below
from client.adaptation.preference_bets import log_wealth

TRIALS = 400
ALPHA = 0.05


def draws(share, seed, steps=1_500):
    return (np.random.default_rng(seed).random((TRIALS, steps)) < share).astype(float)


@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("wealth", [wealth_above, wealth_below])
def test_a_mean_at_the_level_is_seldom_taken_for_another(share, wealth):
    assert np.mean([(wealth(row, share) >= 1 / ALPHA).any() for row in draws(share, 1)]) <= ALPHA


@given(st.lists(st.floats(0, 1), max_size=40), st.floats(0.05, 0.95))
def test_a_bet_on_a_mean_is_told_by_what_came_before(values, level):
    """At a value of the level itself nothing is won or lost, and no value loses all."""
    reached = wealth_above(np.array([*values, level]), level)
    assert (reached > 0).all()
    assert reached[-1] == pytest.approx(reached[-2] if values else 1.0)


def test_a_mean_beside_the_level_is_told():
    higher = draws(0.3, 2)[0]
    assert wealth_above(higher, 0.2).max() > 1 / ALPHA > wealth_below(higher, 0.2).max()
    assert wealth_below(higher, 0.4).max() > 1 / ALPHA > wealth_above(higher, 0.4).max()


def preferred(share, seed):
    wins = np.cumsum(draws(share, seed), axis=1)
    return log_wealth(wins, np.arange(1, wins.shape[1] + 1) - wins)


@pytest.mark.parametrize("share", [0.5, 0.45])
def test_a_side_that_is_not_better_is_seldom_preferred(share):
    assert (preferred(share, 3) >= np.log(1 / ALPHA)).any(axis=1).mean() <= ALPHA


@given(st.integers(0, 300), st.integers(0, 300))
def test_wealth_of_who_bets_on_a_side_is_a_fair_game_and_grows_with_its_wins(wins, losses):
    won, lost = np.exp(log_wealth(wins + 1, losses)), np.exp(log_wealth(wins, losses + 1))
    assert (won + lost) / 2 == pytest.approx(np.exp(log_wealth(wins, losses)), rel=1e-6)
    assert won > lost


def test_a_better_side_is_preferred_soon():
    reached = preferred(0.6, 4) >= np.log(1 / ALPHA)
    assert reached.any(axis=1).mean() > 0.95
    assert np.median(reached.argmax(axis=1)) < 250


def test_nothing_is_won_before_the_first_trial():
    assert log_wealth(0, 0) == pytest.approx(0)
