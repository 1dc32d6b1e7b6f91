"""Matrices of which rows alone are asked for: in memory, or in a record, where rows are read when they are touched.

n rows, m columns, E entries, K neighbours of an item.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from client.data.ragged import stretches
from client.store.stored_rows import StoredRows

Entries = tuple[NDArray[Any], NDArray[Any], NDArray[np.float32]]
"""[E] which of the rows that were asked for each entry is of, its column and its value."""
Weigh = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Cosines [M, K] to weights of the same shape."""
_AT_ONCE = 20_000
"""rows that are read at once where all are"""


class Rows(Protocol):
    """What is like an array [n, ...] as far as its rows go: those of a record."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> Any:
        """Rows by their numbers [M], or side by side by a slice."""
        ...

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Rows that lie side by side; nothing of them stays in memory.

        Args:
            start: the first.
            stop: the one behind the last.

        Returns:
            [stop − start, ...].
        """
        ...


class RowMatrix(Protocol):
    """A sparse matrix [n, m] that tells the entries of rows."""

    @property
    def shape(self) -> tuple[int, int]:
        """N and m."""
        ...

    def entries(self, rows: NDArray[Any]) -> Entries:
        """What stands in some rows.

        Args:
            rows: [L] of the matrix.

        Returns:
            The entries, row after row.
        """
        ...


def entries_of(matrix: sp.csr_array | RowMatrix, rows: NDArray[Any]) -> Entries:
    """What stands in some rows of a matrix.

    Args:
        matrix: [n, m] sparse, or rows of a record.
        rows: [L] of the matrix.

    Returns:
        [E] which of the L rows each entry is of, its column and its value.
    """
    if not isinstance(matrix, sp.csr_array):
        return matrix.entries(rows)
    begins = matrix.indptr[rows].astype(np.int64)
    counts = matrix.indptr[rows + 1] - begins
    places = stretches(begins, counts)
    return np.repeat(np.arange(len(rows)), counts), matrix.indices[places], matrix.data[places]


def by_row(matrix: Any) -> Any:
    """A matrix [n, m] as one that tells the entries of rows: sparse ones and those of a record as they are."""
    return matrix if hasattr(matrix, "entries") else sp.csr_array(matrix)


@dataclass(frozen=True, eq=False, kw_only=True)
class RoundedRows:
    """See ``Rows``; vectors [n, D] in eight bits a number: products with vectors of length 1 are right to .001."""

    eighths: Rows
    """[n, D] int8"""
    scales: NDArray[np.float32]
    """[n] by which each row is multiplied"""

    @property
    def shape(self) -> tuple[int, ...]:
        """N and D."""
        return self.eighths.shape

    def __len__(self) -> int:
        return len(self.scales)

    def __getitem__(self, rows: Any) -> Any:
        """Rows by their numbers [M], or side by side by a slice."""
        return self.eighths[rows].astype(np.float32) * self.scales[rows][:, None]

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """See ``Rows``.

        Args:
            start: the first.
            stop: the one behind the last.

        Returns:
            [stop − start, D].
        """
        rounded: NDArray[np.float32] = self.eighths.read(start, stop) * self.scales[start:stop, None]
        return rounded


def rounded(vectors: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """What ``RoundedRows`` holds of vectors.

    Args:
        vectors: [n, D].

    Returns:
        [n, D] in eight bits, and [n] by which each row is multiplied.
    """
    eighths = np.empty(vectors.shape, np.int8)
    scales = np.empty(len(vectors), np.float32)
    for begin in range(0, len(vectors), _AT_ONCE):
        block = vectors[begin : begin + _AT_ONCE]
        largest = np.abs(block).max(1, initial=0)
        scales[begin : begin + _AT_ONCE] = largest / 127
        eighths[begin : begin + _AT_ONCE] = np.rint(block * (127 / np.where(largest == 0, 1, largest))[:, None])
    return eighths, scales


@dataclass(frozen=True, eq=False, kw_only=True)
class StoredMatrix:
    """See ``RowMatrix``; of a record."""

    starts: NDArray[Any]
    """[n + 1] where each row's entries begin and the last one's end"""
    columns: StoredRows
    """[E]"""
    values: StoredRows
    """[E]"""
    shape: tuple[int, int]

    def entries(self, rows: NDArray[Any]) -> Entries:
        """See ``RowMatrix``.

        Args:
            rows: [L] of the matrix.

        Returns:
            The entries.
        """
        begins = self.starts[rows].astype(np.int64)
        counts = self.starts[rows + 1] - begins
        places = stretches(begins, counts)
        columns, values = (array.stretches(begins, counts, places) for array in (self.columns, self.values))
        return np.repeat(np.arange(len(rows)), counts), columns, values


@dataclass(frozen=True, eq=False, kw_only=True)
class StoredEdges:
    """See ``RowMatrix``; from each item to the nearest others, with weights by their cosines."""

    items: Rows
    """[n, K]"""
    cosines: Rows
    """[n, K]"""
    weigh: Weigh
    nearest: int
    """how many of the K have an edge"""

    @property
    def shape(self) -> tuple[int, int]:
        """N and n."""
        return len(self.items), len(self.items)

    def entries(self, rows: NDArray[Any]) -> Entries:
        """See ``RowMatrix``.

        Args:
            rows: [L] of the matrix.

        Returns:
            The entries.
        """
        return self._weighed(self.items[rows], self.cosines[rows])

    def __matmul__(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n] the product with a vector [n]; nothing of what it reads stays in memory."""
        products = np.empty(len(self.items), np.float32)
        for begin in range(0, len(products), _AT_ONCE):
            end = min(begin + _AT_ONCE, len(products))
            owners, items, weights = self._weighed(self.items.read(begin, end), self.cosines.read(begin, end))
            products[begin:end] = np.bincount(owners, weights * vector[items], minlength=end - begin)
        return products

    def _weighed(self, items: NDArray[Any], cosines: NDArray[np.float32]) -> Entries:
        """The entries of rows whose nearest items [M, K] and cosines are given."""
        items, weights = items[:, : self.nearest], self.weigh(cosines[:, : self.nearest])
        return np.repeat(np.arange(len(items)), items.shape[1]), items.reshape(-1), weights.reshape(-1)
