"""What ``Hidden`` and its lookups are for one history: sums of few sparse rows, in arrays that are used again.

n items, L items of a history, C columns that walk over one matrix, E items that a walk comes to, Q powers.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from copy import copy
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from client.data.sequences import Sequences
from client.features.row_matrices import RowMatrix, entries_of
from client.features.rows import unit_rows
from client.scorers.lookups import Bags, Hidden, Looked, Lookup

Int = NDArray[Any]
Float32 = NDArray[np.float32]
Sparse = sp.csr_array | RowMatrix


Walked = tuple[Int, Float32]
"""[E] items, each once, and [C, E] what each column comes to there."""


class Room:
    """Places that are −1 between two uses; for one thread at a time."""

    def __init__(self) -> None:
        self.places = np.empty(0, np.int32)

    def grow(self, size: int) -> None:
        """Hold so many at least."""
        if len(self.places) < size:
            self.places = np.full(size, -1, np.int32)

    def added(self, rows: Int, weights: Float32, matrix: Sparse) -> Walked:
        """Weighed sums of rows of a matrix.

        Args:
            rows: [L] of the matrix, each once.
            weights: [C, L] of each row.
            matrix: [n, m] sparse.

        Returns:
            [E] columns of the matrix, each once, and [C, E] their sums.
        """
        owners, columns, values = entries_of(matrix, rows)
        self.grow(matrix.shape[1])
        entries = np.arange(len(columns), dtype=np.int32)
        self.places[columns] = entries
        distinct = columns[self.places[columns] == entries]
        self.places[distinct] = entries[: len(distinct)]
        places = self.places[columns]
        self.places[distinct] = -1
        spread = weights[:, owners] * values
        sums = [np.bincount(places, row, minlength=len(distinct)) for row in spread]
        return distinct, np.array(sums, np.float32)

    def looked_up(self, columns: Int, values: Float32, at: Int) -> Float32:
        """What stands at some places where ``values`` stand at ``columns`` and 0 elsewhere.

        Args:
            columns: [E] each once.
            values: [C, E].
            at: [M] places that are asked for.

        Returns:
            [C, M].
        """
        self.places[columns] = np.arange(len(columns), dtype=np.int32)
        entries = self.places[at]
        self.places[columns] = -1
        padded = np.zeros((len(values), len(columns) + 1), np.float32)  # −1 is its last column
        padded[:, :-1] = values
        return padded[:, entries]


class OneHistory(Hidden):
    """``Hidden`` of one history, in a room that is used again."""

    def __init__(self, items: NDArray[np.int32], n_items: int, room: Room) -> None:
        """``items`` may not be recommended, each of them once."""
        room.grow(n_items)
        self.n_items, self.lists = n_items, Sequences(offsets=np.array([0, len(items)]), items=items)
        self._is_hidden = np.zeros(n_items, bool)
        self._is_hidden[items] = True
        self.room = room

    def beside(self, allowed: NDArray[np.bool_]) -> "OneHistory":
        """The same with all hidden that is not ``allowed`` [n]."""
        wider = copy(self)
        wider._is_hidden = self._is_hidden | ~allowed
        return wider

    def looked_up(self, keys: NDArray[np.int64], values: Float32, at: NDArray[np.int64]) -> torch.Tensor:
        """See ``Hidden``.

        Args:
            keys: [E] items, each once.
            values: [E].
            at: [1, M] items that are asked for.

        Returns:
            [1, M].
        """
        return torch.from_numpy(self.room.looked_up(keys, values[None], at[0]))

    def walked(self, bags: Bags, matrix: Sparse, *, signed: bool = False) -> list[Lookup]:
        """See ``Hidden``.

        Args:
            bags: C of the history.
            matrix: [n, n] sparse.
            signed: whether some values are below 0.

        Returns:
            One lookup per bag.
        """
        return _Walk(self, self.room.added(*bags.of_one, matrix), signed=signed).columns()

    def walked_on(self, bags: Bags, first: Sparse, then: Sparse, most: int) -> list[Lookup]:
        """See ``Hidden``.

        Args:
            bags: C of the history.
            first: [n, n] sparse.
            then: [n, n] sparse, with which the products are multiplied.
            most: items from which the second step goes on.

        Returns:
            One lookup per bag.
        """
        items, sums = self.room.added(*bags.of_one, first)
        if len(items) > most:
            sums *= sums >= np.partition(sums, -most, axis=1)[:, -most:].min(1, keepdims=True)
            onward = np.flatnonzero(sums.any(0))
            items, sums = items[onward], sums[:, onward]
        return _Walk(self, self.room.added(items, sums, then)).columns()

    def gram_products(self, bags: Bags, grams: Sparse) -> list[Lookup]:
        """See ``Hidden``.

        Args:
            bags: C of the history.
            grams: [n, G] sparse.

        Returns:
            One lookup per bag.
        """
        return _GramProducts(self.room, self.room.added(*bags.of_one, grams), grams).columns()


class _Together(ABC):
    """C columns that are looked up at once, whichever of them is asked first."""

    def __init__(self, width: int) -> None:
        self._width, self._told = width, dict[Hashable, Any]()

    def once(self, key: Hashable, tell: Callable[[], Any]) -> Any:
        """What ``tell`` gave when it was asked first under a key."""
        if key not in self._told:
            self._told[key] = tell()
        return self._told[key]

    def columns(self) -> list[Lookup]:
        """[C]."""
        return [_Column(self, place) for place in range(self._width)]

    def offers(self, _count: int) -> NDArray[np.int64]:
        """[C, K] the best items of each column; −1 where there is none."""
        return np.full((self._width, 0), -1)

    @abstractmethod
    def at(self, looked: Looked) -> Float32:
        """[C, P + S]."""

    def masses(self, _powers: Sequence[float]) -> Float32 | None:
        """[C, Q] sums to each power; None where only a sample tells."""
        return None


class _Walk(_Together):
    """0 but for the items that a walk comes to."""

    def __init__(self, hidden: OneHistory, walked: Walked, *, signed: bool = False) -> None:
        """``signed`` where some values are below 0."""
        self._items, values = walked
        super().__init__(len(values))
        self._room, self._signed = hidden.room, signed
        self._values = values * ~hidden.at(self._items)

    def offers(self, count: int) -> NDArray[np.int64]:
        """[C, K]; an item of no positive score is not offered."""
        count = min(count, len(self._items))
        if not count:
            return super().offers(count)
        best = np.argpartition(self._values, -count, axis=1)[:, -count:]
        return np.asarray(np.where(np.take_along_axis(self._values, best, 1) > 0, self._items[best], -1), np.int64)

    def at(self, looked: Looked) -> Float32:
        """[C, P + S]."""
        return self._room.looked_up(self._items, self._values, looked.items[0].numpy())

    def masses(self, powers: Sequence[float]) -> Float32 | None:
        """[C, Q]."""
        if self._signed:
            return None
        return np.stack([(self._values**power).sum(1) for power in powers], axis=1)


class _GramProducts(_Together):
    """Cosines between sparse vectors of the history and those of the items; lists of neighbours offer their best."""

    def __init__(self, room: Room, query: Walked, of_items: Sparse) -> None:
        """``query`` are grams [E] and weights [C, E], ``of_items`` [n, G]."""
        self._grams, sums = query
        super().__init__(len(sums))
        self._room, self._of_items = room, of_items
        self._query = unit_rows(sums)

    def at(self, looked: Looked) -> Float32:
        """[C, P + S]."""
        items = looked.items[0].numpy()
        owners, grams, values = entries_of(self._of_items, items)
        products = self._room.looked_up(self._grams, self._query, grams) * values
        return np.array([np.bincount(owners, row, minlength=len(items)) for row in products], np.float32)


class _Column:
    """One of the columns that are looked up together; see ``Lookup``."""

    def __init__(self, together: _Together, place: int) -> None:
        self._together, self._place = together, place

    def offers(self, count: int) -> NDArray[np.int64]:
        """See ``Lookup``."""
        offers: NDArray[np.int64] = self._together.once(count, lambda: self._together.offers(count))
        return offers[self._place : self._place + 1]

    def at(self, looked: Looked) -> torch.Tensor:
        """See ``Lookup``."""
        scores: Float32 = self._together.once(looked, lambda: self._together.at(looked))
        return torch.from_numpy(scores[self._place][None])

    def masses(self, powers: Sequence[float]) -> torch.Tensor | None:
        """See ``Lookup``."""
        sums: Float32 | None = self._together.once(tuple(powers), lambda: self._together.masses(powers))
        return None if sums is None else torch.from_numpy(sums[self._place][None])
