"""Arrays of a record that are read where they are touched: memory grows by what was asked for, up to a bound.

n rows, M of them that are asked for, K stretches of rows.
"""

import mmap
import threading
from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.store.content import Content, parts_of
from client.store.sealed import BLOCK
from shared.system.array_file import Place

USUAL_BOUND = 2_500_000_000
"""bytes of one record that stay in memory, at most"""
_APART = 4
"""blocks that are read together though they are not wanted, where they lie between two that are"""


class Bound:
    """Of what the arrays of one record hold in memory; beyond it, the one that holds most lets go of all it has."""

    def __init__(self, most: int = USUAL_BOUND) -> None:
        """``most`` bytes."""
        self._most, self._arrays, self._taking = most, list[StoredRows](), threading.Lock()

    def join(self, array: "StoredRows") -> None:
        """Count an array, too."""
        self._arrays.append(array)

    def keep(self) -> None:
        """Let go of what is too much."""
        with self._taking:
            if sum(array.read_bytes for array in self._arrays) > self._most:
                max(self._arrays, key=lambda array: array.read_bytes).forget()


class StoredRows:
    """An array [n, ...] whose rows are read from a record when they are first wanted.

    Any number of threads may read; two that want the same block at once both read it.
    """

    def __init__(self, content: Content, place: Place, bound: Bound | None = None, *, held: bool = False) -> None:
        """``place`` says where the array stands in the ``content``; what it reads counts for the ``bound``.

        Where it is ``held``, all of it is read at once and stays: rows of memory of usual pages are read faster.
        """
        self.dtype, self.shape = place.dtype, place.shape
        self.nbytes = place.dtype.itemsize * prod(place.shape)
        self._content, self._place, self._bound = content, place, bound
        self._row = place.dtype.itemsize * prod(place.shape[1:])
        self._memory = _Memory(content, place, held=held)
        if bound is not None and not held:
            bound.join(self)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> Any:
        """A row, or some: ``rows`` is a number, a slice or an array [M] of numbers; none may be below 0."""
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step != 1:
                raise IndexError("rows are read side by side")
            return self._with(np.array([start]), np.array([stop]))[start : max(stop, start)]
        numbers = np.asarray(rows)
        if numbers.dtype.kind not in "iu":
            raise IndexError(f"rows are told by whole numbers, not by {numbers.dtype}")
        wanted = numbers.reshape(-1).astype(np.int64, copy=False)
        return self._with(wanted, wanted + 1)[rows]

    def uncopied(self, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> list[NDArray[Any]]:
        """Stretches of rows, not copied.

        Args:
            starts: [K] first row of each.
            lengths: [K] rows of each.

        Returns:
            K arrays.
        """
        rows = self._with(starts, starts + lengths)
        return [rows[start : start + length] for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)]

    def stretches(self, starts: NDArray[np.int64], lengths: NDArray[np.int64], rows: NDArray[np.int64]) -> Any:
        """``self[rows]``, told by stretches, of which there are fewer.

        Args:
            starts: [K] first row of each.
            lengths: [K] rows of each.
            rows: [M] all of their rows.

        Returns:
            [M, ...].
        """
        return self._with(starts, starts + lengths)[rows]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """All of it, in an array of its own."""
        whole = array_at(self._content, self._place)
        return whole if dtype is None else whole.astype(dtype, copy=False)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Rows that lie side by side, in an array of their own; nothing of them stays in memory otherwise.

        Args:
            start: the first.
            stop: the one behind the last.

        Returns:
            [stop − start, ...].

        Raises:
            StorageError: if that part of the record is damaged.
        """
        begin = self._place.start + start * self._row
        place = Place(dtype=self.dtype, shape=(stop - start, *self.shape[1:]), start=begin)
        return array_at(self._content, place)

    def parts(self) -> Iterator[bytes]:
        """All of its bytes, part by part; none of them stays in memory."""
        yield from parts_of(self._content, self._place.start, self.nbytes)

    @property
    def read_bytes(self) -> int:
        """How much of it is in memory."""
        return self._memory.blocks * BLOCK

    def forget(self) -> None:
        """Let go of what was read; whoever reads right now ends with what they have."""
        self._memory = _Memory(self._content, self._place)

    def _with(self, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[Any]:
        """The array, in which all from rows ``starts`` to before ``stops`` [K] is read."""
        memory, filled = self._memory, stops > starts
        if memory.whole or not self._row or not filled.any():
            return memory.rows
        if not filled.all():
            starts, stops = starts[filled], stops[filled]
        if starts.min() < 0 or stops.max() > len(self):
            raise IndexError(f"rows must be from 0 to {len(self) - 1}")
        if memory.read(starts * self._row, stops * self._row) and self._bound is not None:
            self._bound.keep()
        return memory.rows


class _Memory:
    """As much of an array as was read."""

    def __init__(self, content: Content, place: Place, *, held: bool = False) -> None:
        size = place.dtype.itemsize * prod(place.shape)
        self._content, self._start, self._size = content, place.start, size
        self._first_block = place.start // BLOCK
        self._is_read = np.zeros(max(1, -(-(place.start + size) // BLOCK) - self._first_block), bool)
        self.blocks, self.whole = (len(self._is_read), True) if held else (0, False)
        if held:
            self.rows = array_at(content, place)
            return
        self._bytes = _reserved(size)
        self.rows = np.frombuffer(self._bytes, place.dtype, prod(place.shape)).reshape(place.shape)

    def read(self, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> bool:
        """Whether something had to be read for the bytes from ``starts`` to before ``stops`` [K]."""
        first = (starts + self._start) // BLOCK - self._first_block
        last = (stops + (self._start - 1)) // BLOCK - self._first_block
        if (last - first).max() <= 1:
            blocks = first if np.array_equal(first, last) else np.concatenate([first, last])
        else:
            blocks = np.concatenate([np.arange(begin, end + 1) for begin, end in zip(first, last, strict=True)])
        there = self._is_read[blocks]
        if there.all():
            return False
        missing = np.unique(blocks[~there])
        for run in np.split(missing, np.flatnonzero(np.diff(missing) > _APART) + 1):
            self._read(int(run[0]), int(run[-1]) + 1)
        self.blocks = int(self._is_read.sum())
        self.whole = self.blocks == len(self._is_read)
        return True

    def _read(self, first: int, last: int) -> None:
        """Blocks of the array from ``first`` to before ``last``."""
        begin = max(0, (self._first_block + first) * BLOCK - self._start)
        end = min(self._size, (self._first_block + last) * BLOCK - self._start)
        self._content.read_into(self._start + begin, memoryview(self._bytes)[begin:end])
        self._is_read[first:last] = True


def array_at(content: Content, place: Place) -> NDArray[Any]:
    """An array of a record.

    Args:
        content: of the record.
        place: where the array stands in it.

    Returns:
        The array, in memory of its own.

    Raises:
        StorageError: if that part of the record is damaged.
    """
    array = np.empty(place.shape, place.dtype)
    if array.nbytes:
        content.read_into(place.start, array.reshape(-1).data.cast("B"))
    return array


def _reserved(size: int) -> mmap.mmap:
    """Memory that is taken page by page when it is written to."""
    memory = mmap.mmap(-1, max(size, 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):  # pages of 2 MiB would be taken whole for one block
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return memory
