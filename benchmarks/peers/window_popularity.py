"""Popularity in a window: how often each item was met in so many seconds before the moment; the window is tuned."""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.peers.time_answer import Peer, Settings, grid, main, over_grid
from benchmarks.peers.time_course import TimeCourse
from client.data.event_log import EventLog
from client.data.sequences import Sequences
from client.evaluation.ranking import ScoreHistories

HOUR, DAY = 3_600, 86_400
WINDOWS = (HOUR, 3 * HOUR, 12 * HOUR, DAY, 3 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 90 * DAY, 365 * DAY, math.inf)
"""Seconds."""


def counts_in_window(log: EventLog, moments: NDArray[np.float64], window: float, n_items: int) -> NDArray[np.float32]:
    """[B, n] the events of each item from ``window`` seconds before each moment [B] up to it, without it."""
    window_counts = np.empty((len(moments), n_items), np.float32)
    begins, ends = (np.searchsorted(log.times, at, side="left") for at in (moments - window, moments))
    counts, first, last = np.zeros(n_items), 0, 0
    for place in np.argsort(moments, kind="stable"):
        counts += np.bincount(log.items[last : ends[place]], minlength=n_items)
        counts -= np.bincount(log.items[first : begins[place]], minlength=n_items)
        first, last = begins[place], ends[place]
        window_counts[place] = counts
    return window_counts


def fit(course: TimeCourse, _events: Sequences, settings: Settings, _seed: int) -> ScoreHistories:
    """Counts all events that came before the moment, whatever was trained on: a service knows them."""

    def score(histories: Sequences) -> torch.Tensor:
        moments = np.asarray(histories.moments)
        return torch.from_numpy(counts_in_window(course.log, moments, settings["window"], course.n_items))

    return score


PEER = Peer(fit=fit, tune=over_grid(fit, lambda _course: grid(window=WINDOWS)))

if __name__ == "__main__":
    main(PEER)
