"""Events in time order and counts of them that fade: against sums written plainly."""

import numpy as np
import pytest
from numpy.typing import NDArray

from client.data.event_log import EventLog, FadingCounts, counts_as_of
from client.data.ragged import offsets_of
from client.data.sequences import Sequences

N = 6
LIVES = (900.0, 86_400.0, 365 * 86_400.0)
BEGIN = 1.6e9


def drawn(rng: np.random.Generator, size: int, span: float) -> EventLog:
    """Events on N items; many share a time."""
    times = BEGIN + np.round(rng.random(size) * 40) / 40 * span
    return EventLog(times=np.sort(times), items=rng.integers(0, N, size).astype(np.int32))


def plain(log: EventLog, half_life: float, as_of: float) -> NDArray[np.float64]:
    """[N] Σ 2^(−(r − τ) / half-life) over the events at τ < t, the last one at r, as shares; 0 where there are none."""
    counts = np.zeros(N)
    before = [(time, item) for time, item in zip(log.times, log.items, strict=True) if time < as_of]
    for time, item in before:
        counts[item] += 2.0 ** -((before[-1][0] - time) / half_life)
    return counts / counts.sum() if counts.sum() else counts


def shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return counts / np.maximum(counts.sum(-1, keepdims=True), 1e-300)


def test_holds_all_events_whose_time_is_known_in_the_order_of_time() -> None:
    log = EventLog.of(
        Sequences(
            offsets=np.array([0, 3, 5]),
            items=np.arange(5, dtype=np.int32),
            times=np.array([np.nan, 7.0, 9.0, 7.0, 8.0]),
        )
    )
    assert log.times.tolist() == [7, 7, 8, 9]
    assert log.items.tolist() == [1, 3, 4, 2]
    assert (len(log), log.span) == (4, 2.0)
    untimed = EventLog.of(Sequences(offsets=np.array([0, 2]), items=np.arange(2, dtype=np.int32)))
    assert (len(untimed), untimed.span) == (0, 0.0)


def test_computes_a_thing_once() -> None:
    log, calls = EventLog.of(Sequences.none()), []
    assert [log.once("name", lambda: calls.append(1) or len(calls)) for _ in range(3)] == [1, 1, 1]


def test_what_may_be_trained_on_comes_first() -> None:
    log = EventLog(times=np.arange(5.0), items=np.arange(5, dtype=np.int32), trained=3)
    assert log.to_train_on.times.tolist() == [0, 1, 2]
    assert (log.to_train_on.span, log.span) == (2.0, 4.0)
    assert len(EventLog(times=log.times, items=log.items).to_train_on) == 5


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("pieces", [1, 5, 60])
def test_counts_are_the_plain_sums_whatever_the_order_of_adding(seed: int, pieces: int) -> None:
    rng = np.random.default_rng(seed)
    log = drawn(rng, 60, span=3 * 86_400)
    state = FadingCounts(LIVES, N)
    for rows in np.array_split(rng.permutation(60), pieces):
        state.add(log.times[rows], log.items[rows])
    assert state.time == log.times[-1]
    for row, half_life in zip(state.counts, LIVES, strict=True):
        expected = np.zeros(N)
        for time, item in zip(log.times, log.items, strict=True):
            expected[item] += 2.0 ** -((log.times[-1] - time) / half_life)
        assert row == pytest.approx(expected, rel=1e-9)


def test_nothing_added_is_nothing_changed_and_what_was_read_stays_as_it_was() -> None:
    state = FadingCounts(LIVES, N)
    state.add(np.zeros(0), np.zeros(0, np.int32))
    assert (state.time, state.counts.sum()) == (-np.inf, 0)
    state.add(np.array([BEGIN]), np.array([2], np.int32))
    read = state.counts
    kept = read.copy()
    state.add(np.array([BEGIN + 900]), np.array([3], np.int32))
    state.add(np.array([BEGIN + 900, BEGIN + 950]), np.array([3, 4], np.int32))
    assert (read == kept).all()
    assert state.counts is not read


@pytest.mark.parametrize("turned", [False, True])
def test_times_a_century_apart_are_finite(turned: bool) -> None:
    state = FadingCounts(LIVES, N)
    events = [(0.0, 1), (4.1e9, 2), (4.1e9 - 900, 3)]
    with np.errstate(all="raise", under="ignore"):
        for time, item in reversed(events) if turned else events:
            state.add(np.array([time]), np.array([item], np.int32))
        state.add(np.array([0.0, 2e9]), np.array([4, 4], np.int32))
    assert np.isfinite(state.counts).all()
    assert state.counts[0].tolist() == [0, 0, 1, 0.5, 0, 0]
    assert state.counts[2][3] == pytest.approx(2 ** -(900 / LIVES[2]))


@pytest.mark.parametrize("seed", range(6))
def test_as_of_a_moment_only_what_came_before_it_counts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    log = drawn(rng, 50, span=10 * 86_400)
    # moments of events, between events, before and after all of them, and none that is known; in no order
    moments = np.concatenate(
        [log.times[rng.integers(0, 50, 8)], BEGIN + rng.random(8) * 10 * 86_400, [BEGIN - 1, 5e9, np.nan]]
    )
    moments = rng.permutation(moments)
    found = {place: counts.copy() for place, counts in counts_as_of(log, LIVES, moments, N)}
    assert sorted(found) == list(range(len(moments)))
    for place, moment in enumerate(moments):
        for row, half_life in zip(found[place], LIVES, strict=True):
            assert shares(row) == pytest.approx(plain(log, half_life, moment), abs=1e-9)


def test_as_of_the_time_of_an_event_that_event_does_not_count() -> None:
    log = EventLog(times=np.array([1.0, 2.0, 2.0, 3.0]), items=np.array([0, 1, 2, 3], np.int32))
    ((_, at), (_, after)) = counts_as_of(log, (1.0,), np.array([2.0, np.nextafter(2.0, 3.0)]), N)
    assert (at[0] > 0).tolist() == [True, False, False, False, False, False]
    assert (after[0] > 0).tolist() == [True, True, True, False, False, False]


def test_a_log_without_events_counts_nothing() -> None:
    log = EventLog.of(Sequences(offsets=offsets_of(np.array([0])), items=np.zeros(0, np.int32)))
    assert all(counts.sum() == 0 for _, counts in counts_as_of(log, LIVES, np.array([BEGIN, np.nan]), N))
