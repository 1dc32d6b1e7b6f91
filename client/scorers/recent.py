"""What is met lately: popularity that fades, of the item and of its content neighbours, and whether it rises or falls.

n items, H half-lives, B histories.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.event_log import EventLog, FadingCounts, counts_as_of
from client.scorers.scorer import TABLE, Column, FitData, HistoryBatch, Kind, Matrix
from shared.seeding import rng_for
from shared.system.options import Checked, bounded

_HOUR, _DAY = 3_600.0, 86_400.0
_STATE = f"{TABLE}recent"


@dataclass(frozen=True, kw_only=True)
class RecentSettings(Checked):
    """What may be chosen about it."""

    half_lives: tuple[float, ...] = bounded(
        (_HOUR / 4, _HOUR, 6 * _HOUR, _DAY, 7 * _DAY, 30 * _DAY, 90 * _DAY, 365 * _DAY), above=0
    )
    """seconds, rising: of these the one that foretells the log's own events best, and its neighbours"""
    events: int = bounded(500, least=1)
    """drawn from the later half of the log, by which half-lives are chosen"""
    uniform: float = bounded(0.1, above=0, below=1)
    """share of an even chance for all items, where half-lives are chosen"""
    shrink: float = bounded(5.0, above=0)
    """events of the long half-life's shares that a trend is held back by"""


DEFAULT = RecentSettings()


class Recent:
    """Counts as of the moment at three half-lives, those of neighbours at the middle one, and log ratios of shares.

    A trend is log((a + k q) / (Σa + k) / q), a being an item's count at one half-life, q its share at another two steps
    longer, mixed with a tenth of an even one, k the ``shrink``.
    """

    def __init__(self, data: FitData, settings: RecentSettings = DEFAULT) -> None:
        self._settings, self._around = settings, data.neighbours.squared_cosines
        self._log = data.log
        if _STATE in data.statistics:
            self._state = _opened(data)
        else:
            self._state = data.log.once(_STATE, lambda: _counted(data.log, data.n_items, settings))
            data.statistics.update(_kept(self._state))
        lives = self._state.half_lives
        self._shown = min(3, len(lives))
        self._middle = min(1, len(lives) - 1)
        self._pairs = [(first, first + 2) for first in range(1, len(lives) - 2)]
        self.columns = (
            *(Column(name=f"recent@{_words(one)}", kind=Kind.COUNT) for one in lives[: self._shown]),
            Column(name="recent@neighbours", kind=Kind.COUNT),
            *(
                Column(name=f"trend@{_words(lives[short])}/{_words(lives[long])}", kind=Kind.SIMILARITY)
                for short, long in self._pairs
            ),
        )

    def met(self, items: NDArray[np.int32], times: NDArray[np.float64]) -> None:
        """See ``CountsEvents``."""
        self._state.add(_by_now(times), items)

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """The columns [B, n]."""
        counts = self._counts(batch)
        around = np.asarray((self._around @ counts[self._middle].T).T, np.float32)
        trends = [self._trend(counts[short], counts[long]) for short, long in self._pairs]
        return [torch.from_numpy(one) for one in (*counts[: self._shown], around, *trends)]

    def _counts(self, batch: HistoryBatch) -> NDArray[np.float32]:
        """[H, B, n]"""
        lives, n_items = self._state.half_lives, batch.n_items
        found = np.zeros((len(lives), len(batch), n_items), np.float32)
        if batch.moments is None or not len(self._log):
            found[:] = self._state.counts[:, None]
            return found
        for place, counts in counts_as_of(self._log, lives, batch.moments, n_items):
            found[:, place] = counts
        return found

    def _trend(self, short: NDArray[np.float32], long: NDArray[np.float32]) -> NDArray[np.float32]:
        """[B, n] each to [B, n]; 0 where nothing came before the moment."""
        k, even = np.float32(self._settings.shrink), np.float32(0.1 / short.shape[1])
        share = long / np.maximum(long.sum(1, keepdims=True), np.float32(1e-9)) + even
        ratio = (short + k * share) / (short.sum(1, keepdims=True) + k) / share
        return np.asarray(np.log(ratio), np.float32)


def recounted(statistics: Mapping[str, Matrix], log: EventLog, n_items: int) -> dict[str, Matrix]:
    """What was counted, of another log, at the same half-lives; nothing where nothing was."""
    if _STATE not in statistics:
        return {}
    _, *lives = np.asarray(statistics[_STATE], np.float64).tolist()
    state = FadingCounts(lives, n_items)
    state.add(_by_now(log.times), log.items)
    return _kept(state)


def _by_now(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """[E] with now for what claims to come later: by a clock that is years ahead, all that was met would have faded."""
    return np.minimum(times, time.time())


def _kept(state: FadingCounts) -> dict[str, Matrix]:
    counts = {_name(life): row.astype(np.float32) for life, row in zip(state.half_lives, state.counts, strict=True)}
    return {**counts, _STATE: np.array([state.time, *state.half_lives])}


def _opened(data: FitData) -> FadingCounts:
    """As it was kept."""
    latest, *lives = np.asarray(data.statistics[_STATE], np.float64).tolist()
    state = FadingCounts(lives, data.n_items)
    state.counts[:] = np.stack([np.asarray(data.statistics[_name(one)]) for one in lives])
    state.time = latest
    return state


def _counted(log: EventLog, n_items: int, settings: RecentSettings) -> FadingCounts:
    """All of the log, at the half-life that foretells best, the one before, and up to three behind it."""
    past = log.to_train_on
    lives = [one for one in settings.half_lives if one <= past.span] or list(settings.half_lives[:1])
    best = int(np.argmax(foretold(past, lives, n_items, settings)))
    state = FadingCounts(lives[max(0, best - 1) : best + 4], n_items)
    state.add(log.times, log.items)
    return state


def foretold(
    log: EventLog, half_lives: Sequence[float], n_items: int, settings: RecentSettings = DEFAULT
) -> NDArray[np.float64]:
    """[H] mean log-probability of events drawn from the later half of the log, by what came before each of them."""
    later = np.arange(len(log) // 2, len(log))
    drawn = np.sort(rng_for(0, "recent-half-lives").permutation(later)[: settings.events])
    total = np.zeros(len(half_lives))
    for place, counts in counts_as_of(log, half_lives, log.times[drawn], n_items):
        shares = counts[:, log.items[drawn[place]]] / np.maximum(counts.sum(1), 1e-9)
        total += np.log((1 - settings.uniform) * shares + settings.uniform / n_items)
    return total / max(len(drawn), 1)


def _name(half_life: float) -> str:
    return f"recent@{half_life:g}"


_UNITS = ((_DAY, "d"), (_HOUR, "h"), (60.0, "m"))


def _words(half_life: float) -> str:
    """For example 6h."""
    size, letter = next((one for one in _UNITS if half_life >= one[0]), (1.0, "s"))
    return f"{half_life / size:g}{letter}"
