"""Events of a platform in time order, and counts of them that fade: what was met lately, as of any moment.

E events, n items, H half-lives, B moments.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.data.sequences import Sequences


@dataclass(frozen=True, eq=False, kw_only=True)
class EventLog:
    """Who met what is left out: an item and a time each."""

    times: NDArray[np.float64]
    """[E] seconds since 1970, rising"""
    items: NDArray[np.int32]
    """[E] rows of the catalogue"""
    trained: int | None = None
    """so many of the first events may be trained on, None for all; the others count as of later moments alone"""
    told: dict[str, Any] = field(default_factory=dict)
    """what was computed of all of it, by name"""

    @classmethod
    def of(cls, sequences: Sequences) -> "EventLog":
        """The log of all events whose time is known.

        Args:
            sequences: what users met.

        Returns:
            the events in the order of time.
        """
        times, items = sequences.clock, sequences.items
        unknown = np.isnan(times)
        if unknown.any():
            times, items = times[~unknown], items[~unknown]
        order = np.argsort(times, kind="stable")
        return cls(times=times[order], items=items[order])

    def __len__(self) -> int:
        return len(self.times)

    def once(self, name: str, compute: Callable[[], Any]) -> Any:
        """What is computed of the whole log: at the first call, and then kept.

        Args:
            name: under which it is kept.
            compute: gives it; called once.

        Returns:
            what ``compute`` gave at the first call.
        """
        if name not in self.told:
            self.told[name] = compute()
        return self.told[name]

    @property
    def to_train_on(self) -> "EventLog":
        """The events by which anything but counts may be told: half-lives and rates."""
        return EventLog(times=self.times[: self.trained], items=self.items[: self.trained])

    @property
    def span(self) -> float:
        """Seconds from the first event to the last; 0 where there are none."""
        return float(self.times[-1] - self.times[0]) if len(self) else 0.0


class FadingCounts:
    """For each half-life and item Σ 2^(−(r − t) / half-life) over the item's events, r being the last event's time.

    Between two events nothing changes: all counts would fade by the same factor, which no share of them shows.
    """

    def __init__(self, half_lives: Sequence[float], n_items: int) -> None:
        self.half_lives = tuple(half_lives)
        """[H] seconds"""
        self._lives = np.array(half_lives, np.float64)
        self.counts = np.zeros((len(half_lives), n_items))
        """[H, n]; replaced, never changed, so that who reads it meanwhile has one state of it"""
        self.time = -np.inf
        """r, in seconds since 1970"""

    def add(self, times: NDArray[np.float64], items: NDArray[np.int32]) -> None:
        """Count events, in any order.

        Args:
            times: [E] seconds since 1970.
            items: [E] rows of the catalogue.
        """
        if len(times) == 0:
            return
        latest = max(self.time, float(times.max()))
        counts = (
            self.counts * self._faded(latest - self.time)[:, None] if np.isfinite(self.time) else self.counts.copy()
        )
        if len(times) == 1:
            counts[:, items[0]] += self._faded(latest - times[0])
        else:
            for row, half_life in enumerate(self.half_lives):
                weights = np.exp2((times - latest) / half_life)
                counts[row] += np.bincount(items, weights, minlength=counts.shape[1])
        self.counts, self.time = counts, latest

    def _faded(self, seconds: float) -> NDArray[np.float64]:
        return np.asarray(np.exp2(-seconds / self._lives))


def counts_as_of(
    log: EventLog, half_lives: Sequence[float], moments: NDArray[np.float64], n_items: int
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Fading counts as of several moments, in one pass over the log.

    What comes at the moment or later does not count; where the moment is not known, nothing does.

    Args:
        log: the events that are counted.
        half_lives: [H] seconds.
        moments: [B] seconds since 1970; NaN where it is not known.
        n_items: items of the catalogue, n.

    Yields:
        each moment's place in ``moments``, with the counts [H, n] of what came before it; earlier moments first.
    """
    state, done = FadingCounts(half_lives, n_items), 0
    ends = np.where(np.isnan(moments), 0, np.searchsorted(log.times, moments, side="left"))
    for place in np.argsort(ends, kind="stable"):
        end = int(ends[place])
        state.add(log.times[done:end], log.items[done:end])
        done = end
        yield int(place), state.counts
