"""What is counted as of an impression: exactly what came before it, and nothing of what came with it or after."""

import numpy as np
import pytest

from client.clicks.as_of_counts import AGES, AsOfSettings, as_of_counts, counts_of_clicks
from tests.unit.client.clicks.impression_cases import impressions_of, later_changed, log_of, random_log

HOUR = 3_600.0
SETTINGS = AsOfSettings(half_lives=(HOUR, 4 * HOUR), prior_clicked=0.5, prior_shown=2.0)


def test_counts_what_came_strictly_before_each_impression() -> None:
    rng = np.random.default_rng(1)
    clicked, shown = (random_log(rng, events, 5, 20) for events in (30, 60))
    times = np.array([15.0, 3.0, 8.0, 8.0, 0.0]) * HOUR
    candidates = [rng.integers(0, 5, size).tolist() for size in (3, 2, 4, 1, 2)]
    found = as_of_counts(impressions_of(times, candidates, clicked, shown, n_items=5), SETTINGS)
    assert found.names == (
        *("clicked@1h", "clicked@4h", "shown@1h", "shown@4h", "rate@1h", "rate@4h", "shown-age", "shown-new"),
    )
    expected = []
    for t, items in zip(times, candidates, strict=True):
        for item in items:
            counts = [
                sum(
                    2.0 ** (-(t - s) / life)
                    for s, other in zip(log.times, log.items, strict=True)
                    if other == item and s < t
                )
                for log in (clicked, shown)
                for life in SETTINGS.half_lives
            ]
            rates = [np.log((counts[at] + 0.5) / (counts[at + 2] + 2.0)) for at in (0, 1)]
            first = min([*clicked.times[clicked.items == item], *shown.times[shown.items == item]])
            ages = [np.log1p((t - first) / 900), 0.0] if first < t else [0.0, 1.0]
            expected.append([*np.log1p(counts), *rates, *ages])
    assert np.allclose(found.values, expected, atol=1e-5)
    assert {0.0, 1.0} == set(found.values[:, -1].tolist())


def test_is_not_moved_by_anything_at_its_time_or_later() -> None:
    rng = np.random.default_rng(2)
    moved = 0
    for _ in range(200):
        n_items, hours = int(rng.integers(2, 6)), int(rng.integers(2, 12))
        clicked, shown = (random_log(rng, int(rng.integers(1, 40)), n_items, hours) for _ in range(2))
        times = rng.integers(0, hours, 6) * HOUR
        candidates = [rng.integers(0, n_items, rng.integers(1, 5)).tolist() for _ in times]
        t = float(rng.choice(times))
        first = impressions_of(times, candidates, clicked, shown, n_items=n_items)
        clicked, shown = (later_changed(log, t, rng, n_items) for log in (clicked, shown))
        # what is shown later changes too, and so do all labels
        others = [
            rng.integers(0, n_items, len(one)).tolist() if at > t else one
            for at, one in zip(times, candidates, strict=True)
        ]
        labels = rng.random(len(first.labels)) < 0.5
        second = impressions_of(times, others, clicked, shown, n_items=n_items, labels=labels)
        values = [as_of_counts(one, SETTINGS).values for one in (first, second)]
        until = np.repeat(times <= t, first.candidates.lengths())
        assert np.array_equal(values[0][until], values[1][until])
        moved += not np.array_equal(values[0], values[1])
    assert moved > 50


def test_counts_at_half_lives_no_longer_than_training_impressions_last() -> None:
    log = log_of([0.0], [0])
    for last, wanted in ((5 * HOUR, ("clicked@1h", "clicked@4h")), (2 * HOUR, ("clicked@1h",)), (0.0, ("clicked@1h",))):
        found = as_of_counts(impressions_of([0.0, last], [[0], [0]], log, log, n_items=1), SETTINGS)
        assert counts_of_clicks(found.names) == wanted
        # what comes after training does not make them longer
        stages = np.array([0, 0, 2], np.int8)
        late = impressions_of([0.0, last, 99 * HOUR], [[0]] * 3, log, log, n_items=1, stages=stages)
        assert as_of_counts(late, SETTINGS).names == found.names


def test_knows_nothing_before_the_first_event() -> None:
    found = as_of_counts(
        impressions_of([0.0, HOUR], [[0, 1], [0]], log_of([], []), log_of([], []), n_items=2), SETTINGS
    )
    nothing = [0.0, 0.0, np.log(0.25), 0.0, 1.0]
    assert found.values == pytest.approx(np.array([nothing] * 3))
    assert found.names[-2:] == AGES


def test_has_no_column_without_a_clock() -> None:
    log = log_of([0.0], [0])
    found = as_of_counts(impressions_of([0.0, 1.0], [[0], [0]], log, log, n_items=1, has_clock=False), SETTINGS)
    assert found.names == ()
    assert found.values.shape == (2, 0)
