"""Rows and matrices of a record beneath later ones: some rows are others than they were, and some stand behind.

n rows before, N now, c of them changed or new, m columns, M that are asked for.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from client.features.row_matrices import Entries, RowMatrix, Rows, entries_of


@dataclass(frozen=True, eq=False, kw_only=True)
class Places:
    """Which of N rows are in the c later ones, and where."""

    later: NDArray[np.int32]
    """[N] the place among the later ones; −1 where the row is as it was"""
    count: int
    """c"""

    @classmethod
    def of(cls, rows: NDArray[np.int64], size: int, before: "Places | None" = None) -> "Places":
        """Of rows that are later than all before.

        Args:
            rows: [c] that changed or are new, each once.
            size: N.
            before: of those that changed earlier, which keep their places; None: none did.

        Returns:
            The places.
        """
        later, count = np.full(size, -1, np.int32), 0
        if before is not None:
            later[: len(before.later)], count = before.later, before.count
        later[rows] = count + np.arange(len(rows), dtype=np.int32)
        return cls(later=later, count=count + len(rows))


class GrownRows:
    """See ``Rows``; an array [N, ...]."""

    def __init__(self, before: Rows, rows: NDArray[np.int64], values: NDArray[Any], size: int) -> None:
        """``values`` [c, ...] stand in ``rows`` [c] of N; all others are as ``before`` [n, ...]."""
        beneath, places, held = before, Places.of(rows, size), values
        if isinstance(before, GrownRows):
            beneath, places = before._before, Places.of(rows, size, before._places)
            held = np.concatenate([before._values, values])
        self._before: Rows = beneath
        self._places: Places = places
        self._values: NDArray[Any] = held
        self.shape: tuple[int, ...] = (size, *held.shape[1:])
        self.dtype: np.dtype[Any] = held.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> Any:
        """Rows by their numbers [M], or side by side by a slice."""
        if isinstance(rows, slice):
            rows = np.arange(len(self))[rows]
        numbers = np.asarray(rows)
        places = self._places.later[numbers]
        is_later = places >= 0
        if not is_later.any():
            return self._before[numbers]
        mixed = np.empty((*numbers.shape, *self.shape[1:]), self.dtype)
        mixed[is_later] = self._values[places[is_later]]
        mixed[~is_later] = self._before[numbers[~is_later]]
        return mixed

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Rows that lie side by side; nothing of them stays in memory.

        Args:
            start: the first.
            stop: the one behind the last.

        Returns:
            [stop − start, ...].
        """
        known = min(stop, len(self._before))
        read = np.empty((stop - start, *self.shape[1:]), self.dtype)
        if known > start:
            read[: known - start] = self._before.read(start, known)
        places = self._places.later[start:stop]
        later = np.flatnonzero(places >= 0)
        read[later] = self._values[places[later]]
        return read

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """All of it, in an array of its own."""
        whole = self.read(0, len(self))
        return whole if dtype is None else whole.astype(dtype, copy=False)


class GrownMatrix:
    """See ``RowMatrix``; [N, m]."""

    def __init__(self, before: RowMatrix, rows: NDArray[np.int64], later: sp.csr_array, shape: tuple[int, int]) -> None:
        """``later`` [c, m] stands in ``rows`` [c] of N; all others are as ``before`` [n, m]."""
        beneath, places, held = before, Places.of(rows, shape[0]), later
        if isinstance(before, GrownMatrix):
            beneath, places = before._before, Places.of(rows, shape[0], before._places)
            held = sp.csr_array(sp.vstack([before._later, later], format="csr"))
        self._before: RowMatrix = beneath
        self._places: Places = places
        self._later: sp.csr_array = held
        self.shape = shape

    def entries(self, rows: NDArray[Any]) -> Entries:
        """See ``RowMatrix``; entries of later rows stand behind the others.

        Args:
            rows: [L] of the matrix.

        Returns:
            The entries.
        """
        places = self._places.later[rows]
        is_later = places >= 0
        if not is_later.any():
            return self._before.entries(rows)
        earlier = (np.flatnonzero(~is_later), self._before.entries(rows[~is_later]))
        later = (np.flatnonzero(is_later), entries_of(self._later, places[is_later]))
        return _joined((owners[of], columns, values) for owners, (of, columns, values) in (earlier, later))


def _joined(parts: Iterable[Entries]) -> Entries:
    owners, columns, values = map(list, zip(*parts, strict=True))
    return np.concatenate(owners), np.concatenate(columns), np.concatenate(values)
