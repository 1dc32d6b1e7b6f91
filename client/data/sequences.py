"""Ragged lists of items in time order, with their times where the platform knows them.

U lists, E items in all. A list may be looked at as of a moment: then it is a history, and what is predicted of it comes
at that moment.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from client.data.ragged import offsets_of, stretches

Number = TypeVar("Number", np.float64, np.int64)


@dataclass(frozen=True, eq=False, kw_only=True)
class Sequences:
    """Ragged lists of item rows in time order: user u's are ``items[offsets[u]:offsets[u + 1]]``."""

    offsets: NDArray[np.int64]
    """[U + 1]"""
    items: NDArray[np.int32]
    """[E]"""
    times: NDArray[np.float64] | None = None
    """[E] seconds since 1970, NaN where an event's time is not known; None where the platform has no clock"""
    moments: NDArray[np.float64] | None = None
    """[U] seconds since 1970 as of which each list is looked at; None where nobody asks or knows"""
    together: NDArray[np.int64] | None = None
    """[U] so many of the last items of each list are one basket with what is predicted; None where none is completed"""

    @classmethod
    def none(cls) -> "Sequences":
        """No list at all."""
        return cls(offsets=np.zeros(1, np.int64), items=np.zeros(0, np.int32))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def lengths(self) -> NDArray[np.int64]:
        """[U] number of items of each user."""
        return np.diff(self.offsets)

    @property
    def clock(self) -> NDArray[np.float64]:
        """[E] the times; NaN where none is known."""
        return np.full(len(self.items), np.nan) if self.times is None else self.times

    @property
    def latest(self) -> NDArray[np.float64]:
        """[U] the time of each list's last event whose time is known; −inf where there is none."""
        last = np.full(len(self), -np.inf)
        np.fmax.at(last, self.owners(), self.clock)
        return last

    def owners(self) -> NDArray[np.int64]:
        """[E] whose each item is."""
        return np.repeat(np.arange(len(self)), self.lengths())


def part(
    sequences: Sequences, rows: NDArray[np.int64], starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> Sequences:
    """A stretch of each of some sequences.

    Args:
        sequences: U lists.
        rows: [N] whose sequence each stretch is of; a row may come several times.
        starts: [N] place of the first item in its sequence, from 0.
        lengths: [N] items of each stretch.

    Returns:
        N lists, with their times and moments where there are some.
    """
    places = stretches(sequences.offsets[rows] + starts, lengths)
    return Sequences(
        offsets=offsets_of(lengths),
        items=sequences.items[places],
        times=None if sequences.times is None else sequences.times[places],
        moments=None if sequences.moments is None else sequences.moments[rows],
        together=None if sequences.together is None else np.minimum(sequences.together[rows], lengths),
    )


def take(sequences: Sequences, rows: NDArray[np.int64], lengths: NDArray[np.int64]) -> Sequences:
    """The first items of some sequences.

    Args:
        sequences: U lists.
        rows: [N] which of them; a row may come several times.
        lengths: [N] items that are taken of each.

    Returns:
        N lists, with their times and moments where there are some.
    """
    return part(sequences, rows, np.zeros_like(lengths), lengths)


def last(sequences: Sequences, rows: NDArray[np.int64], length: int) -> Sequences:
    """The last items of some sequences.

    Args:
        sequences: U lists.
        rows: [N] which of them; a row may come several times.
        length: items that are taken of each; all of a list that has fewer.

    Returns:
        N lists, with their times and moments where there are some.
    """
    whole = sequences.lengths()[rows]
    lengths = np.minimum(whole, length)
    return part(sequences, rows, whole - lengths, lengths)


def lists(sequences: Sequences, block: slice) -> Sequences:
    """Some lists that lie side by side, as views: nothing is copied.

    Args:
        sequences: U lists, as of no moment.
        block: rows of the first list and behind the last.

    Returns:
        those lists, with their times where there are some.
    """
    offsets = sequences.offsets[block.start : block.stop + 1]
    events = slice(int(offsets[0]), int(offsets[-1]))
    times = None if sequences.times is None else sequences.times[events]
    return Sequences(offsets=offsets - offsets[0], items=sequences.items[events], times=times)


def user_blocks(sequences: Sequences, events: int) -> Iterator[slice]:
    """Rows of lists side by side, about so many events at a time.

    Args:
        sequences: U lists.
        events: of a block, at most; more where a single list has more.

    Yields:
        blocks that together are all lists, none where there is no list.
    """
    start = 0
    while start < len(sequences):
        stop = int(np.searchsorted(sequences.offsets, sequences.offsets[start] + events, side="right")) - 1
        block = slice(start, min(max(stop, start + 1), len(sequences)))
        yield block
        start = block.stop


def in_basket(sequences: Sequences) -> Sequences:
    """Of each list the items alone that are one basket with what is predicted; none where no basket is completed."""
    rows = np.arange(len(sequences))
    sizes = np.zeros(len(sequences), np.int64) if sequences.together is None else sequences.together
    return part(sequences, rows, sequences.lengths() - sizes, sizes)


def select(sequences: Sequences, rows: NDArray[np.int64]) -> Sequences:
    """Some of the sequences, whole.

    Args:
        sequences: U lists.
        rows: [N] which of them; a row may come several times.

    Returns:
        N lists, with their times and moments where there are some.
    """
    return take(sequences, rows, sequences.lengths()[rows])


def events_before(sequences: Sequences, moment: float) -> NDArray[np.int64]:
    """How many events of each user come before a moment; those without a known time do.

    Args:
        sequences: U lists.
        moment: in seconds since 1970.

    Returns:
        [U] numbers of events.
    """
    early = ~(sequences.clock >= moment)
    return np.bincount(sequences.owners(), early, minlength=len(sequences)).astype(np.int64)


def chained(parts: list[Sequences]) -> Sequences:
    """The lists of all parts, one part after the other; with times, moments and baskets where every part has them."""
    return Sequences(
        offsets=offsets_of(np.concatenate([piece.lengths() for piece in parts])),
        items=np.concatenate([piece.items for piece in parts]),
        times=_joined([piece.times for piece in parts]),
        moments=_joined([piece.moments for piece in parts]),
        together=_joined([piece.together for piece in parts]),
    )


def _joined(parts: list[NDArray[Number] | None]) -> NDArray[Number] | None:
    known = [values for values in parts if values is not None]
    return np.concatenate(known) if known and len(known) == len(parts) else None
