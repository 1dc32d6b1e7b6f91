"""How old an item is: on some platforms what is new leads, on others what has been there for weeks.

Its age counts from when it was published, where the platform says so, else from when it was first seen.

n items, B histories, K steps of age.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.event_log import EventLog
from client.scorers.cooccurrence import Matrix
from client.scorers.lookups import Hidden, Lookup
from client.scorers.scorer import TABLE, Column, FitData, HistoryBatch, Kind
from client.scorers.shared_scores import SharedScores, lookups_of_all
from shared.seeding import rng_for
from shared.system.options import Checked, bounded

NAME = "age"
"""In the table of scorers."""
FIRST = "age@first"
"""Statistic [n]: seconds since 1970 when an item was first met; 0 where it never was."""
PUBLISHED = "age@published"
"""Statistic [n]: seconds since 1970; 0 where nobody knows."""
_FRESH = 60.0
"""seconds for which ages are not told anew in a large catalogue; the shortest step is of 900"""
_RATES = f"{TABLE}age"


@dataclass(frozen=True, kw_only=True)
class AgeSettings(Checked):
    """What may be chosen about it."""

    youngest: float = bounded(900.0, above=0)
    """seconds up to which an item is of the first step; each further one is twice as long"""
    steps: int = bounded(14, least=1)
    """of age; whatever is older counts the same, since a log's beginning hides how old an item is"""
    prior: float = bounded(10.0, above=0)
    """events that each step is given before the first, at the mean rate"""
    events: int = bounded(1_000, least=1)
    """drawn from the later half of the log, by which rates are told"""


DEFAULT = AgeSettings()


class Age:
    """The rate at which items of an age are met, over the mean rate of all; the last one is of items not seen yet.

    What is published later than the moment, and not met before it, has 0.
    """

    columns = (Column(name="age", kind=Kind.COUNT),)

    def __init__(self, data: FitData, settings: AgeSettings = DEFAULT) -> None:
        self._settings = settings
        log, n_items = data.log, data.n_items
        first = data.statistic(FIRST, lambda: log.once(FIRST, lambda: _first_seen(log, n_items)))
        self._first = np.asarray(first, np.float64)
        published = np.asarray(data.statistic(PUBLISHED, lambda: since_1970(data.published, n_items)), np.float64)
        self._published = np.where(published == 0, np.nan, published) if published.any() else None
        rates = data.statistic(_RATES, lambda: log.once(_RATES, lambda: self._told(log.to_train_on)))
        self._rates = np.asarray(rates, np.float32)
        self._shared: tuple[float, SharedScores] | None = None

    def met(self, items: NDArray[np.int32], times: NDArray[np.float64]) -> None:
        """See ``CountsEvents``.

        Args:
            items: [E] rows of the catalogue.
            times: [E] seconds since 1970, in any order; an earlier one than is known becomes when the item was first
                seen.
        """
        first = np.where(self._first == 0, np.inf, self._first)
        np.minimum.at(first, items, times)
        self._first = np.where(np.isinf(first), 0.0, first)

    def carry_on(self, before: "Age") -> None:
        """See ``CountsEvents``."""
        self._first = np.concatenate([before._first, np.zeros(len(self._first) - len(before._first))])

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """One column [B, n]."""
        moments = np.full(len(batch), time.time()) if batch.moments is None else batch.moments
        rates = np.append(self._rates, np.float32(0))  # of what is to come
        return [torch.from_numpy(rates[self._steps(moments)])]

    def lookups(self, batch: HistoryBatch, hidden: Hidden) -> list[Lookup]:
        """See ``LooksUp``.

        Args:
            batch: B histories, and what scorers share of them.
            hidden: which items may not be recommended to whom.

        Returns:
            One lookup per column.
        """
        return lookups_of_all(self, batch, hidden, lambda: [self._shared_now(batch)])

    def _shared_now(self, batch: HistoryBatch) -> SharedScores:
        now = time.monotonic()
        if self._shared is None or now - self._shared[0] >= _FRESH:
            self._shared = (now, SharedScores(self.score(batch)[0][0]))
        return self._shared[1]

    def _steps(self, moments: NDArray[np.float64]) -> NDArray[np.int64]:
        """[B, n] the step of each item's age as of each moment, K for what is not seen yet, K + 1 for what is to come.

        To come is what is published later, unless it was met before. It is no item of any age: among the youngest, or
        those not seen yet, it would hide how often these are met.
        """
        steps, youngest = self._settings.steps, self._settings.youngest
        seen = moments[:, None] - np.where(self._first == 0, np.nan, self._first)
        with np.errstate(invalid="ignore"):
            age, unseen = np.where(seen > 0, seen, np.nan), np.full(seen.shape, steps)
            if self._published is not None:
                since_published = moments[:, None] - self._published
                age = np.where(since_published >= 0, np.maximum(since_published, youngest), age)
                unseen = np.where(since_published < 0, steps + 1, steps)
            step = np.ceil(np.log2(np.where(np.isnan(age), youngest, age) / youngest)).clip(0, steps - 1)
        return np.where(np.isnan(age), unseen, step).astype(np.int64)

    def _told(self, log: EventLog) -> NDArray[np.float64]:
        """[K + 1] by the log's own events: how many are of items of a step, for each item that is of the step then."""
        later = np.arange(len(log) // 2, len(log))
        drawn = rng_for(0, "age-rates").permutation(later)[: self._settings.events]
        width = self._settings.steps + 2
        met, there = np.zeros(width), np.zeros(width)
        for event in drawn:
            steps = self._steps(log.times[event : event + 1])[0]
            there += np.bincount(steps, minlength=width)
            met[steps[log.items[event]]] += 1
        met, there = met[:-1], there[:-1]
        mean = met.sum() / max(there.sum(), 1.0)
        return np.asarray((met + self._settings.prior) / (there * mean + self._settings.prior))


def seen_again(statistics: Mapping[str, Matrix], log: EventLog, n_items: int) -> dict[str, Matrix]:
    """When each item was first seen, by another log; nothing where nobody asked before.

    Args:
        statistics: what was counted before, by name.
        log: whose events tell when an item was first seen.
        n_items: n.

    Returns:
        The statistic [n] in seconds since 1970 under its name, 0 for an item without an event, and the rates of before;
        empty where ``statistics`` does not hold them.
    """
    if FIRST not in statistics:
        return {}
    return {FIRST: _first_seen(log, n_items), _RATES: statistics[_RATES]}


def since_1970(published: NDArray[np.float64] | None, n_items: int) -> NDArray[np.float64]:
    """When items were published, as ``PUBLISHED`` is kept; what is older than 1970 is as old as it.

    Args:
        published: [n] seconds since 1970, NaN where nobody knows; None where nobody says of any item.
        n_items: n.

    Returns:
        [n] seconds since 1970, 1 at least; 0 where nobody knows.
    """
    return np.zeros(n_items) if published is None else np.where(np.isnan(published), 0.0, np.maximum(published, 1.0))


def _first_seen(log: EventLog, n_items: int) -> NDArray[np.float64]:
    """[n] seconds since 1970; 0 for an item without an event."""
    first = np.zeros(n_items)
    first[log.items[::-1]] = log.times[::-1]
    return first
