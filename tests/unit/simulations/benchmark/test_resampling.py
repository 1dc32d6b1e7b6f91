"""Sums over people whom several seeds may have met."""

import numpy as np
import polars as pl
import pytest

from shared.seeding import rng_for
from simulations.benchmark.pooled_cells import RESAMPLES, resampled

RNG = rng_for(11)
PEOPLE = 500
LOCAL, FEATURE = RNG.random(PEOPLE), RNG.random(PEOPLE)


def frame(values: np.ndarray, first: int = 0) -> pl.DataFrame:
    return pl.DataFrame({"user": np.arange(first, first + len(values)), "ndcg@10": values})


def width(firsts: tuple[int, ...]) -> float:
    """Of the interval of a lift, where each seed meets as many users, numbered from its first."""
    found = {
        ("at-1", name): [frame(values, first) for first in firsts]
        for name, values in (("local", LOCAL), ("feature", FEATURE))
    }
    lifts = resampled(found, rng_for(0)).lifts(("at-1", "feature"), ("at-1", "local"))
    assert lifts is not None
    low, high = np.percentile(lifts[1:], [2.5, 97.5])
    return float(high - low)


def test_who_is_met_under_three_seeds_is_one_person() -> None:
    once, thrice = width((0,)), width((0, 0, 0))
    assert thrice == pytest.approx(once, rel=1e-9)
    # three times as many people: an interval that is shorter by the root of 3, to a tenth
    assert width((0, PEOPLE, 2 * PEOPLE)) == pytest.approx(once / np.sqrt(3), rel=0.1)


def test_a_lift_is_that_of_the_sums_over_all_seeds() -> None:
    found = {
        ("at-1", "local"): [frame(LOCAL), frame(LOCAL[:100], 450)],
        ("at-1", "feature"): [frame(FEATURE), frame(LOCAL[:100], 450)],
    }
    lifts = resampled(found, rng_for(0)).lifts(("at-1", "feature"), ("at-1", "local"))
    assert lifts is not None
    assert len(lifts) == 1 + RESAMPLES
    wanted = 100 * ((FEATURE.sum() + LOCAL[:100].sum()) / (LOCAL.sum() + LOCAL[:100].sum()) - 1)
    assert lifts[0] == pytest.approx(wanted)


def test_all_lifts_have_the_same_resamples() -> None:
    found = {
        ("at-1", "local"): [frame(LOCAL)],
        ("at-1", "feature"): [frame(FEATURE)],
        ("at-1", "twice"): [frame(2 * FEATURE)],
    }
    sums = resampled(found, rng_for(0))
    feature, twice = (
        sums.lifts(("at-1", "feature"), ("at-1", "local")),
        sums.lifts(("at-1", "twice"), ("at-1", "local")),
    )
    assert feature is not None
    assert twice is not None
    np.testing.assert_allclose(100 + twice, 2 * (100 + feature))


def test_there_is_no_lift_over_nothing() -> None:
    sums = resampled({("at-1", "local"): [frame(np.zeros(9))], ("at-1", "feature"): [frame(FEATURE[:9])]}, rng_for(0))
    assert sums.lifts(("at-1", "feature"), ("at-1", "local")) is None
    assert sums.lifts(("at-1", "feature"), ("at-1", "stack")) is None
    assert sums.lifts(("at-1", "stack"), ("at-1", "feature")) is None
