"""Impressions made of arrays alone, for tests of what is told of their candidates."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.data.event_log import EventLog
from client.data.impressions import Impressions, ShownItems
from client.data.ragged import offsets_of
from client.data.sequences import Sequences


def log_of(times: Any, items: Any) -> EventLog:
    """Events in any order."""
    order = np.argsort(np.asarray(times, np.float64), kind="stable")
    return EventLog(times=np.asarray(times, np.float64)[order], items=np.asarray(items, np.int32)[order])


def impressions_of(
    times: Any, candidates: list[list[int]], clicked: EventLog, seen: EventLog, *, n_items: int, **fields: Any
) -> Impressions:
    """One user and one stage: training."""
    counts = np.array([len(each) for each in candidates])
    items = ShownItems(name="news", texts=("",) * n_items, vectors=None, known=np.arange(n_items))
    given = {
        "shown": items,
        "met": Sequences.none(),
        "user_numbers": np.zeros(1, np.int64),
        "users": np.zeros(len(times), np.int64),
        "times": np.asarray(times, np.float64),
        "stages": np.zeros(len(times), np.int8),
        "histories": Sequences(offsets=np.zeros(len(times) + 1, np.int64), items=np.zeros(0, np.int32)),
        "candidates": Sequences(offsets=offsets_of(counts), items=np.concatenate(candidates).astype(np.int32)),
        "labels": np.zeros(int(counts.sum()), bool),
        "has_clock": True,
        "clicked_log": clicked,
        "shown_log": seen,
    }
    return Impressions(**{**given, **fields})


def random_log(rng: np.random.Generator, events: int, n_items: int, hours: int) -> EventLog:
    """On whole hours, so that times meet those of impressions."""
    return log_of(rng.integers(0, hours, events) * 3_600, rng.integers(0, n_items, events))


def later_changed(log: EventLog, t: float, rng: np.random.Generator, n_items: int) -> EventLog:
    """Before ``t`` the same; from then on each event is dropped or of another item, and some come beside it."""
    before = log.times < t
    later = log.times[~before]
    kept: NDArray[np.float64] = later[rng.random(len(later)) < 0.5]
    new = np.concatenate([kept, np.full(3, t), t + rng.integers(0, 9, 2) * 3_600])
    return log_of(
        np.concatenate([log.times[before], new]),
        np.concatenate([log.items[before], rng.integers(0, n_items, len(new))]),
    )
