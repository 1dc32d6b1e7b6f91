"""Arrays of a record that are read where they are touched: memory grows by what was asked for, block by block."""

import mmap
from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.store.content import Content, parts_of
from client.store.sealed import BLOCK
from shared.system.array_file import Place

_APART = 4
"""blocks that are read together though they are not wanted, where they lie between two that are"""


class StoredRows:
    """An array [n, ...] whose rows are read from a record when they are first wanted; what was read stays.

    Any number of threads may read; two that want the same block at once both read it.
    """

    def __init__(self, content: Content, place: Place) -> None:
        """``place`` says where the array stands in the ``content``."""
        dtype, shape, start = place.dtype, place.shape, place.start
        self.dtype, self.shape = dtype, shape
        self.nbytes = dtype.itemsize * prod(shape)
        self._content, self._place, self._start = content, place, start
        self._row = dtype.itemsize * prod(shape[1:])
        self._first_block = start // BLOCK
        blocks = -(-(start + self.nbytes) // BLOCK) - self._first_block
        self._is_read = np.zeros(max(blocks, 1), bool)
        self._memory = _reserved(self.nbytes)
        self._rows = np.frombuffer(self._memory, dtype, prod(shape)).reshape(shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> Any:
        """A row, or some: ``rows`` is a number, a slice or an array [M] of numbers; none may be below 0."""
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step != 1:
                raise IndexError("rows are read side by side")
            self._need(np.array([start]), np.array([max(stop, start)]))
            return self._rows[start : max(stop, start)]
        numbers = np.asarray(rows)
        if numbers.dtype.kind not in "iu":
            raise IndexError(f"rows are told by whole numbers, not by {numbers.dtype}")
        wanted = numbers.reshape(-1).astype(np.int64, copy=False)
        if len(wanted) and not 0 <= wanted.min() <= wanted.max() < len(self):
            raise IndexError(f"rows must be from 0 to {len(self) - 1}")
        self._need(wanted, wanted + 1)
        return self._rows[rows]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """All of it, in an array of its own."""
        whole = array_at(self._content, self._place)
        return whole if dtype is None else whole.astype(dtype, copy=False)

    def parts(self) -> Iterator[bytes]:
        """All of its bytes, part by part; none of them stays in memory."""
        yield from parts_of(self._content, self._start, self.nbytes)

    @property
    def read_bytes(self) -> int:
        """How much of it is in memory."""
        return int(self._is_read.sum()) * BLOCK

    def _need(self, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> None:
        """Read what lies from rows ``starts`` to before ``stops`` and was not read before."""
        if not self._row or not (filled := stops > starts).any():
            return
        first = (starts[filled] * self._row + self._start) // BLOCK - self._first_block
        last = (stops[filled] * self._row + self._start - 1) // BLOCK - self._first_block
        if (last - first).max() <= 1:
            blocks = np.concatenate([first, last])
        else:
            blocks = np.concatenate([np.arange(begin, end + 1) for begin, end in zip(first, last, strict=True)])
        missing = blocks[~self._is_read[blocks]]
        if not len(missing):
            return
        missing = np.unique(missing)
        for run in np.split(missing, np.flatnonzero(np.diff(missing) > _APART) + 1):
            self._read(int(run[0]), int(run[-1]) + 1)

    def _read(self, first: int, last: int) -> None:
        """Blocks of the array from ``first`` to before ``last``."""
        begin = max(0, (self._first_block + first) * BLOCK - self._start)
        end = min(self.nbytes, (self._first_block + last) * BLOCK - self._start)
        self._content.read_into(self._start + begin, memoryview(self._memory)[begin:end])
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
    memory = mmap.mmap(-1, max(size, 1))
    if hasattr(mmap, "MADV_NOHUGEPAGE"):  # pages of 2 MiB would be taken whole for one block
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return memory
