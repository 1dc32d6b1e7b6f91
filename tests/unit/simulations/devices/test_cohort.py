"""A cohort is a uniform draw without replacement of those who may take part, and looks at few where nearly all may."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.seeding import rng_for
from simulations.devices.cohort import draw_cohort


@given(st.integers(1, 3_000), st.integers(0, 400), st.floats(0, 1), st.integers(0, 1_000))
def test_holds_as_many_different_devices_as_there_are(count: int, size: int, share: float, seed: int) -> None:
    may = rng_for(seed, "may").random(count) < share
    cohort = draw_cohort(rng_for(seed, "draw"), count, size, may.__getitem__)
    assert cohort.size == min(size, may.sum())
    assert np.unique(cohort).size == cohort.size
    assert may[cohort].all()
    np.testing.assert_array_equal(cohort, draw_cohort(rng_for(seed, "draw"), count, size, may.__getitem__))


@pytest.mark.parametrize("share", [1.0, 0.01])
def test_every_device_is_drawn_as_often(share: float) -> None:
    may = np.zeros(20_000, np.bool_)
    may[rng_for(0, "may").permutation(20_000)[: int(20_000 * share)]] = True
    draws, size = 300, 150
    drawn = [draw_cohort(rng_for(0, draw), may.size, size, may.__getitem__) for draw in range(draws)]
    for part in (slice(0, 10), slice(140, 150)):  # the first of a cohort and the last
        counts = Counter(np.concatenate([cohort[part] for cohort in drawn]).tolist())
        expected = draws * 10 / may.sum()
        spread = sum((counts[device] - expected) ** 2 for device in np.flatnonzero(may)) / expected
        assert spread == pytest.approx(may.sum(), rel=0.3)


def test_looks_at_few_where_nearly_all_may() -> None:
    looked_at = 0

    def may(devices: np.ndarray) -> np.ndarray:
        nonlocal looked_at
        looked_at += devices.size
        return devices % 10 != 0

    assert draw_cohort(rng_for(0), 10_000_000, 1_000, may).size == 1_000
    assert looked_at <= 3_000
