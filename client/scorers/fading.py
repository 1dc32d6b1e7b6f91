"""Counts that fade, as a scorer has them: as of each history's moment while it is fitted, going on while it serves.

n items, H half-lives, B histories.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.event_log import EventLog, FadingCounts, counts_as_of
from client.scorers.cooccurrence import Matrix
from client.scorers.scorer import TABLE, WHOLE_UP_TO, FitData, HistoryBatch
from client.scorers.shared_scores import SharedScores
from shared.seeding import rng_for

_HOUR, _DAY = 3_600.0, 86_400.0
HALF_LIVES = (_HOUR / 4, _HOUR, 6 * _HOUR, _DAY, 7 * _DAY, 30 * _DAY, 90 * _DAY, 365 * _DAY)
"""Seconds, rising."""
_FRESH = 10.0
"""seconds after which events that were met since then show in the scores of a large catalogue"""
_UNITS = ((_DAY, "d"), (_HOUR, "h"), (60.0, "m"))
Self = TypeVar("Self", bound="Fading")


class Fading:
    """A log's counts at some half-lives, kept among the statistics under a name."""

    def __init__(self, data: FitData, name: str, log: EventLog, half_lives: Sequence[float]) -> None:
        """Opened where the statistics hold it, else counted at ``half_lives`` and put there."""
        self._log = log
        self._made: tuple[NDArray[np.float64], list[torch.Tensor]] | None = None
        if _state(name) not in data.statistics:
            state = log.once(
                _state(name), lambda: _kept(name, _counted(log.times, log.items, half_lives, data.n_items))
            )
            data.statistics.update(state)
        self._counts = _opened(data.statistics, name, data.n_items)
        self._waiting: list[tuple[NDArray[np.float64], NDArray[np.int32]]] = []
        self._taking = threading.Lock()
        self._shared: tuple[float, list[SharedScores]] | None = None

    @property
    def half_lives(self) -> tuple[float, ...]:
        """[H] seconds, rising."""
        return self._counts.half_lives

    def met(self, items: NDArray[np.int32], times: NDArray[np.float64]) -> None:
        """Count on.

        Args:
            items: [E] rows of the catalogue.
            times: [E] seconds since 1970, in any order; one that lies ahead counts as now.
        """
        with self._taking:
            self._waiting.append((_by_now(times), items))
        if self._counts.counts.shape[1] <= WHOLE_UP_TO:
            self._take_in()

    def _take_in(self) -> None:
        """Count what waits: all counts fade with each event, which takes long in a large catalogue."""
        with self._taking:
            if self._waiting:
                times, items = (np.concatenate(parts) for parts in zip(*self._waiting, strict=True))
                self._waiting = []
                self._counts.add(times, items)

    def carry_on(self: Self, before: Self) -> None:
        """Go on from what was counted for a catalogue whose items are the first of this one's."""
        before._take_in()
        counts = np.zeros_like(self._counts.counts)
        counts[:, : before._counts.counts.shape[1]] = before._counts.counts
        self._counts.counts, self._counts.time = counts, before._counts.time

    def columns(
        self, batch: HistoryBatch, make: Callable[[NDArray[np.float32]], list[torch.Tensor]]
    ) -> list[torch.Tensor]:
        """Columns that ``make`` makes of counts.

        Without moments they are the same for every history: made once of [H, 1, n], until something is counted again.

        Args:
            batch: B histories; the counts are as of their moments, or all that was counted where these are None.
            make: from counts [H, B, n] to columns [B, n]; it may be given one history for all.

        Returns:
            The columns [B, n].
        """
        if batch.moments is not None:
            return make(self._as_of(batch, batch.moments))
        self._take_in()
        counts = self._counts.counts
        if self._made is None or self._made[0] is not counts:
            self._made = (counts, make(counts[:, None].astype(np.float32)))
        return [row.expand(len(batch), -1) for row in self._made[1]]

    def shared(self, make: Callable[[NDArray[np.float32]], list[torch.Tensor]]) -> list[SharedScores]:
        """The columns of all that was counted, up to ten seconds ago; ``make`` is what ``columns`` takes."""
        now = time.monotonic()
        if self._shared is None or (self._waiting and now - self._shared[0] >= _FRESH):
            self._take_in()
            columns = make(self._counts.counts[:, None].astype(np.float32))
            self._shared = (now, [SharedScores(column[0]) for column in columns])
        return self._shared[1]

    def _as_of(self, batch: HistoryBatch, moments: NDArray[np.float64]) -> NDArray[np.float32]:
        """[H, B, n] what came before each history's moment; all that was counted where there is no log."""
        faded = np.zeros((len(self.half_lives), len(batch), batch.n_items), np.float32)
        if not len(self._log):
            faded[:] = self._counts.counts[:, None]
            return faded
        for place, counts in counts_as_of(self._log, self.half_lives, moments, batch.n_items):
            faded[:, place] = counts
        return faded


def foretold(
    counted: EventLog, events: EventLog, half_lives: Sequence[float], n_items: int, *, most: int, uniform: float
) -> NDArray[np.float64]:
    """[H] mean log-probability of ``most`` events drawn from the later half of a log, by what was counted before each.

    Args:
        counted: what counts.
        events: what is foretold.
        half_lives: [H] seconds.
        n_items: of the catalogue.
        most: events that are looked at.
        uniform: share of an even chance for all items.
    """
    later = np.arange(len(events) // 2, len(events))
    drawn = np.sort(rng_for(0, "half-lives").permutation(later)[:most])
    total = np.zeros(len(half_lives))
    for place, counts in counts_as_of(counted, half_lives, events.times[drawn], n_items):
        shares = counts[:, events.items[drawn[place]]] / np.maximum(counts.sum(1), 1e-9)
        total += np.log((1 - uniform) * shares + uniform / n_items)
    return total / max(len(drawn), 1)


def recounted(statistics: Mapping[str, Matrix], name: str, log: EventLog, n_items: int) -> dict[str, Matrix]:
    """What was counted under a name, of another log, at the same half-lives; nothing where nothing was.

    Args:
        statistics: what was counted before, by name; it tells the half-lives.
        name: under which the counts are kept.
        log: what is counted now; a time that lies ahead counts as now.
        n_items: n.

    Returns:
        The statistics [n], one a half-life, and the state beside them; empty where ``statistics`` has no such name.
    """
    if _state(name) not in statistics:
        return {}
    half_lives = _opened(statistics, name, 0).half_lives
    return _kept(name, _counted(_by_now(log.times), log.items, half_lives, n_items))


def up_to(half_lives: Sequence[float], span: float) -> list[float]:
    """Those of the half-lives that are no longer than ``span`` seconds; the first of them in any case.

    Args:
        half_lives: seconds, one at least.
        span: seconds.

    Returns:
        Those half-lives, in their order; never empty.
    """
    return [half_life for half_life in half_lives if half_life <= span] or [half_lives[0]]


def _counted(
    times: NDArray[np.float64], items: NDArray[np.int32], half_lives: Sequence[float], n_items: int
) -> FadingCounts:
    counts = FadingCounts(half_lives, n_items)
    counts.add(times, items)
    return counts


def _by_now(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """[E] with now for what claims to come later: by a clock that is years ahead, all that was met would have faded."""
    return np.minimum(times, time.time())


def in_words(half_life: float) -> str:
    """A half-life in its largest unit, for example 6h.

    Args:
        half_life: seconds.

    Returns:
        Days, hours, minutes or seconds with d, h, m or s behind them.
    """
    size, letter = next((unit for unit in _UNITS if half_life >= unit[0]), (1.0, "s"))
    return f"{half_life / size:g}{letter}"


def _state(name: str) -> str:
    return f"{TABLE}{name}"


def _column(name: str, half_life: float) -> str:
    return f"{name}@{half_life:g}"


def _kept(name: str, counts: FadingCounts) -> dict[str, Matrix]:
    rows = zip(counts.half_lives, counts.counts, strict=True)
    columns = {_column(name, life): row.astype(np.float32) for life, row in rows}
    return {**columns, _state(name): np.array([counts.time, *counts.half_lives])}


def _opened(statistics: Mapping[str, Matrix], name: str, n_items: int) -> FadingCounts:
    """As it was kept; without its counts where no item is asked for."""
    latest, *lives = np.asarray(statistics[_state(name)], np.float64).tolist()
    counts = FadingCounts(lives, n_items)
    if n_items:
        counts.counts = np.stack([np.asarray(statistics[_column(name, half_life)], np.float64) for half_life in lives])
    counts.time = latest
    return counts
