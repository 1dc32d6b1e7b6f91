"""The paired lift and its interval."""

import numpy as np
import pytest

from client.evaluation.lift import paired_lift, resampled_sums
from shared.seeding import rng_for


def test_is_the_relative_difference_of_the_means() -> None:
    lift = paired_lift(np.array([0.3, 0.6]), np.array([0.2, 0.4]), rng_for(0))
    assert lift is not None
    # .45 / .30 is 1.5, and so is the ratio of every resample
    assert (lift.mean, lift.low, lift.high) == pytest.approx((50, 50, 50))
    assert lift.clear_of_zero


def test_agrees_with_the_interval_of_a_bootstrap_that_draws_users_one_by_one() -> None:
    rng = rng_for(1)
    baseline = rng.choice([0.0, 0.5, 1.0], size=400)
    method = np.clip(baseline + rng.choice([-0.5, 0.0, 0.5], size=400), 0, 1)
    lift = paired_lift(method, baseline, rng_for(2), resamples=4000)
    rows = rng_for(3).integers(0, 400, size=(4000, 400))
    drawn = 100 * (method[rows].mean(axis=1) / baseline[rows].mean(axis=1) - 1)
    assert lift is not None
    # two bootstraps of 4,000 resamples with a spread of about 4 points: the ends agree within half a point
    assert (lift.low, lift.high) == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])), abs=0.5)


def test_is_not_clear_of_zero_for_a_shuffled_copy() -> None:
    values = rng_for(4).random(300)
    lift = paired_lift(rng_for(5).permutation(values), values, rng_for(6))
    assert lift is not None
    assert not lift.clear_of_zero


def test_is_undefined_over_a_baseline_of_zero_or_no_users() -> None:
    assert paired_lift(np.array([0.5]), np.array([0.0]), rng_for(0)) is None
    assert paired_lift(np.array([]), np.array([]), rng_for(0)) is None


def test_is_the_same_for_the_same_seed() -> None:
    method, baseline = rng_for(7).random(50), rng_for(8).random(50)
    assert paired_lift(method, baseline, rng_for(9)) == paired_lift(method, baseline, rng_for(9))


def test_draws_the_same_resamples_under_every_numpy() -> None:
    of_users = np.concatenate([np.zeros(900), np.arange(1, 301)])[:, None]
    # by numpy 2.4.6; a Generator of numpy 2.5.5 gives 4,541,139
    assert resampled_sums(of_users, rng_for(11), 100).sum() == 4_535_193
