"""The watch raises no more false alarms than it says, whatever values are like, and sees a change soon."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.adaptation.conformal_ranks import p_values
from client.adaptation.drift_watch import watch
from client.adaptation.rank_bets import PATIENCE, SLOPES, likely_beginning, wealth

STREAMS = 400
DRAWN = {
    "even": lambda rng, size: rng.random(size),
    "clicks": lambda rng, size: (rng.random(size) < 0.05).astype(float),
    "heavy": lambda rng, size: rng.standard_cauchy(size),
    "all equal": lambda _rng, size: np.zeros(size),
}


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_p_values_of_what_does_not_change_are_uniform(draw):
    rng = np.random.default_rng(1)
    ranked = p_values(draw(rng, (200, STREAMS)), rng.random((200, STREAMS)))[100:].ravel()
    shares = np.histogram(ranked, 10, (0, 1))[0] / len(ranked)
    np.testing.assert_allclose(shares, 0.1, atol=0.012)


@given(st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=1, max_size=30), st.integers(0, 1000))
def test_a_p_value_counts_what_is_greater_and_a_part_of_what_is_equal(values, seed):
    ties = np.random.default_rng(seed).random((len(values), 1))
    ranked = p_values(np.array(values)[:, None], ties)
    for number, value in enumerate(values, 1):
        greater, equal = (sum(other > value for other in values[:number]), values[:number].count(value))
        assert ranked[number - 1, 0] == pytest.approx((greater + ties[number - 1, 0] * equal) / number)


@given(st.integers(0, 10_000), st.integers(1, 60))
@settings(max_examples=30)
def test_wealth_is_a_fair_game(seed, steps):
    """Whatever came before, the wealth after a step is on average, over p, what it was before it."""
    past = np.random.default_rng(seed).random((steps, 1))
    grid = (np.arange(2_000) + 0.5) / 2_000
    after = wealth(np.concatenate([np.repeat(past, len(grid), axis=1), grid[None]]))
    assert after[-1].mean() == pytest.approx(after[-2, 0], rel=1e-9)
    assert (after > 0).all()


def test_wealth_is_the_mixture_over_beginnings_and_bets():
    ranked = np.array([0.1, 0.7, 0.05])
    waiting = [PATIENCE / (step + PATIENCE) for step in range(4)]
    laid_out = sum(
        (waiting[begin] - waiting[begin + 1]) * np.prod([1 + slope * (p - 0.5) for p in ranked[begin:]]) / len(SLOPES)
        for begin in range(3)
        for slope in SLOPES
    )
    assert wealth(ranked[:, None])[-1, 0] == pytest.approx(waiting[3] + laid_out)


def test_raises_few_false_alarms_over_several_statistics():
    rng = np.random.default_rng(2)
    alarms = 0
    for stream in range(120):
        observed = {"hits": DRAWN["clicks"](rng, (600, 1)), "histories": rng.normal(size=(600, 4))}
        alarms += bool(watch(observed, f"head {stream}", alpha=0.2).alarms)
    assert alarms / 120 < 0.2


def test_sees_a_change_and_when_it_began_and_looks_again_alike():
    values = np.random.default_rng(3).normal(size=(2_000, 2))
    values[1_000:, 1] += 0.5
    watched = watch({"quiet": values[:, :1], "moved": values[:, 1:]}, "head")
    (alarm,) = watched.alarms
    assert (alarm.statistic, alarm.has_risen) == ("moved", True)
    assert 1_000 < alarm.noticed < 1_300
    assert abs(alarm.began - 1_000) < 100
    assert watched.evidence["moved"] > 1 > watched.evidence["quiet"]
    shorter = watch({"quiet": values[:1_500, :1], "moved": values[:1_500, 1:]}, "head")
    assert shorter.alarms == watched.alarms


def test_says_nothing_of_nothing():
    watched = watch({"hits": np.zeros((0, 1))}, "head")
    assert (watched.alarms, watched.evidence) == ((), {"hits": 0.0})


def test_a_change_begins_within_what_was_ranked():
    assert likely_beginning(np.array([0.5])).step == 0
