"""A column's scores for a batch of histories, in a form that need not hold a number for each item.

The whole catalogue is never scored where a form can do without: what counts events is 0 nearly everywhere, and what is
a product of vectors is worked out where somebody looks.

B histories, n items, P items of a pool for each history, S items of a sample for all, Q powers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch.nn import functional

from client.data.sequences import Sequences
from client.features.rows import largest, unit_sparse_rows

_ELEMENTS_AT_ONCE = 16_000_000
"""numbers that are gathered at once: 64 MB"""
_ALL_UP_TO = 30_000
"""items up to which products with all vectors take less time than to gather those of a shortlist"""


def without_nan(scores: torch.Tensor) -> torch.Tensor:
    """Scores [B, n] in which a NaN, of which no probability can be made, is the lowest of its row; 0 where all are."""
    if not scores.sum().isnan():  # a fraction of the time of looking at each; inf - inf is taken for one, too
        return scores
    lowest = scores.nan_to_num(nan=torch.inf, posinf=torch.inf, neginf=-torch.inf).amin(1, keepdim=True)
    return torch.where(scores.isnan(), lowest.nan_to_num(posinf=0.0, neginf=-torch.inf), scores)


class Looked:
    """Where a batch is looked at: a pool of items for each history, and a sample for all of them."""

    def __init__(self, pool: NDArray[np.int64], sample: NDArray[np.int64], n_items: int) -> None:
        """``pool`` [B, P] and ``sample`` [S] are rows of the catalogue."""
        self.pool, self.sample, self.n_items = pool, sample, n_items

    @cached_property
    def items(self) -> torch.Tensor:
        """[B, P + S] the pool, then the sample."""
        sample = np.broadcast_to(self.sample, (len(self.pool), len(self.sample)))
        return torch.from_numpy(np.concatenate([self.pool, sample], axis=1))

    @cached_property
    def keys(self) -> NDArray[np.int64]:
        """[B, P + S] places in a flat array of B · n."""
        return np.asarray(self.items.numpy() + self.n_items * np.arange(len(self.pool))[:, None])


@dataclass(frozen=True, eq=False, kw_only=True)
class Bags:
    """Weights of the items of histories, C of each."""

    sparse: Sequence[sp.csr_array] = ()
    """C of [B, n]"""
    of_one: tuple[NDArray[np.int32], NDArray[np.float32]] = (np.zeros(0, np.int32), np.zeros((0, 0), np.float32))
    """where there is one history alone: [L] its items, each once, and [C, L] their weights"""


class Hidden:
    """Which items of which history may not be recommended, as one flat array, and room to look numbers up in."""

    def __init__(self, hidden: Sequences, n_items: int) -> None:
        """``hidden`` holds B lists of items."""
        self.n_items, self.lists = n_items, hidden
        self._is_hidden = np.zeros(len(hidden) * n_items, bool)
        self._is_hidden[hidden.owners() * n_items + hidden.items] = True
        self._room = np.zeros(len(hidden) * n_items, np.float32)

    def at(self, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the items at these places of B · n are hidden."""
        return np.asarray(self._is_hidden[keys])

    @cached_property
    def distinct(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """[H] whose each hidden item is, and [H] the items, each of a history once."""
        keys = np.unique(self.lists.owners() * self.n_items + self.lists.items)
        return keys // self.n_items, keys % self.n_items

    def walked(self, bags: "Bags", matrix: sp.csr_array, *, signed: bool = False) -> list["Lookup"]:
        """Bags of the histories times a matrix of items.

        Args:
            bags: C of each history.
            matrix: [n, n] sparse.
            signed: whether some values are below 0.

        Returns:
            One lookup per bag.
        """
        return [SparseLookup(bag @ matrix, self, signed=signed) for bag in bags.sparse]

    def walked_on(self, bags: "Bags", first: sp.csr_array, then: sp.csr_array, most: int) -> list["Lookup"]:
        """The same in two steps, of which the second goes on from the items of the largest values alone.

        Args:
            bags: C of each history.
            first: [n, n] sparse.
            then: [n, n] sparse.
            most: items of a history from which the second step goes on.

        Returns:
            One lookup per bag.
        """
        return [SparseLookup(largest(bag @ first, most) @ then, self) for bag in bags.sparse]

    def gram_products(self, bags: "Bags", grams: sp.csr_array) -> list["Lookup"]:
        """Cosines of the bags' grams with those of the items.

        Args:
            bags: C of each history.
            grams: [n, G] sparse, rows of length 1 or 0.

        Returns:
            One lookup per bag.
        """
        return GramLookup([unit_sparse_rows(bag @ grams) for bag in bags.sparse], grams).columns

    def looked_up(self, keys: NDArray[np.int64], values: NDArray[np.float32], at: NDArray[np.int64]) -> torch.Tensor:
        """What stands at some places where ``values`` stand at ``keys`` and 0 elsewhere.

        Args:
            keys: [E] places of B · n, each once.
            values: [E].
            at: [B, M] places that are asked for.

        Returns:
            [B, M].
        """
        self._room[keys] = values
        there = torch.from_numpy(self._room[at])
        self._room[keys] = 0
        return there


class Lookup(Protocol):
    """One column's scores for B histories."""

    def offers(self, count: int) -> NDArray[np.int64]:
        """[B, K] the best items of each history that are not hidden, K at most ``count``; −1 where there is none."""
        ...

    def at(self, looked: Looked) -> torch.Tensor:
        """[B, P + S] the scores of the pool and of the sample."""
        ...

    def masses(self, powers: Sequence[float]) -> torch.Tensor | None:
        """[B, Q] sums of the scores to each power over all items not hidden; None where only a sample tells."""
        ...


class SparseLookup:
    """Scores that are 0 but for few items of each history."""

    def __init__(self, scores: sp.csr_array, hidden: Hidden, *, signed: bool = False) -> None:
        """``scores`` [B, n]; ``signed`` where some are below 0, of which powers tell nothing."""
        self._signed = signed
        self._hidden, self._offsets, self._items = hidden, scores.indptr.astype(np.int64), scores.indices
        rows = np.repeat(np.arange(scores.shape[0]), np.diff(self._offsets))
        self._rows, self._keys = rows, rows * hidden.n_items + scores.indices
        self._values = np.where(hidden.at(self._keys), np.float32(0), scores.data.astype(np.float32, copy=False))

    def offers(self, count: int) -> NDArray[np.int64]:
        """See ``Lookup``; an item of no positive score is not offered."""
        lengths = np.diff(self._offsets)
        width = int(lengths.max(initial=0))
        if not width:
            return np.full((len(lengths), 0), -1)
        places = np.arange(len(self._rows)) - self._offsets[self._rows]
        values = np.zeros((len(lengths), width), np.float32)
        values[self._rows, places] = self._values
        best = torch.from_numpy(values).topk(min(count, width), dim=1)
        entries = np.minimum(self._offsets[:-1, None] + best.indices.numpy(), max(len(self._items) - 1, 0))
        return np.where(best.values.numpy() > 0, self._items[entries], -1)

    def at(self, looked: Looked) -> torch.Tensor:
        """See ``Lookup``."""
        return self._hidden.looked_up(self._keys, self._values, looked.keys)

    def masses(self, powers: Sequence[float]) -> torch.Tensor | None:
        """See ``Lookup``."""
        if self._signed:
            return None
        rows = torch.from_numpy(self._rows)
        values = torch.from_numpy(self._values).clamp(min=0)
        sums = torch.zeros(len(self._offsets) - 1, len(powers))
        for place, power in enumerate(powers):
            sums[:, place].index_add_(0, rows, values.pow(power))
        return sums


class DenseLookup:
    """Scores of the whole catalogue."""

    def __init__(self, scores: torch.Tensor, hidden: Hidden) -> None:
        """``scores`` [B, n] without NaN."""
        self._scores, self._hidden = scores, hidden

    def offers(self, count: int) -> NDArray[np.int64]:
        """See ``Lookup``: as many more as are hidden are looked at, and those dropped."""
        more = int(self._hidden.lists.lengths().max(initial=0))
        scores = self._scores
        same = len(scores) > 1 and scores.stride(0) == 0
        items = (scores[:1] if same else scores).topk(min(count + more, scores.shape[1]), dim=1).indices.numpy()
        items = np.broadcast_to(items, (len(scores), items.shape[1]))
        hidden = self._hidden.at(items + scores.shape[1] * np.arange(len(scores))[:, None])
        order = np.argsort(hidden, axis=1, kind="stable")[:, :count]
        return np.where(np.take_along_axis(hidden, order, 1), -1, np.take_along_axis(items, order, 1))

    def at(self, looked: Looked) -> torch.Tensor:
        """See ``Lookup``."""
        return self._scores.gather(1, looked.items)

    def masses(self, powers: Sequence[float]) -> None:  # noqa: ARG002
        """See ``Lookup``."""
        return


class ProductLookup:
    """Scores that are products of vectors of the histories with those of the items."""

    def __init__(self, queries: NDArray[np.float32], vectors: NDArray[np.float32], hidden: Hidden) -> None:
        """``queries`` [B, C, D] of C columns, ``vectors`` [n, D]; the items' vectors are read once for all columns."""
        self._queries, self._vectors, self._hidden = torch.from_numpy(queries), vectors, hidden
        self._last: tuple[Looked, torch.Tensor] | None = None

    def column(self, place: int, *, searched: bool) -> "ProductColumn":
        """The lookup of one of the C columns.

        Args:
            place: of the column.
            searched: whether it offers items: all products are worked out for it.
        """
        return ProductColumn(self, place, searched=searched)

    def best(self, column: int, count: int) -> NDArray[np.int64]:
        """See ``Lookup.offers``.

        Args:
            column: of the C.
            count: most items of each history.

        Returns:
            [B, K] items, −1 where there is none.
        """
        if self._all is not None:
            return DenseLookup(self._all[:, column], self._hidden).offers(count)
        return DenseLookup(self._queries[:, column] @ torch.from_numpy(self._vectors).T, self._hidden).offers(count)

    @cached_property
    def _all(self) -> torch.Tensor | None:
        """[B, C, n] the products with all vectors; None where these are many."""
        if len(self._vectors) > _ALL_UP_TO:
            return None
        count, columns, width = self._queries.shape
        return (self._queries.reshape(-1, width) @ torch.from_numpy(self._vectors).T).reshape(count, columns, -1)

    @property
    def none(self) -> NDArray[np.int64]:
        """[B, 0] no offers."""
        return np.full((len(self._queries), 0), -1)

    def products(self, looked: Looked) -> torch.Tensor:
        """[B, C, P + S]; those of the place that was looked at last are kept."""
        if self._last is None or self._last[0] is not looked:
            self._last = (looked, self._worked_out(looked))
        return self._last[1]

    def _worked_out(self, looked: Looked) -> torch.Tensor:
        if self._all is not None:
            return self._all.gather(2, looked.items[:, None].expand(-1, self._all.shape[1], -1))
        vectors = torch.from_numpy(self._vectors)
        sampled = self._queries @ vectors[torch.from_numpy(looked.sample)].T
        pool = torch.from_numpy(looked.pool)
        at_once = max(1, _ELEMENTS_AT_ONCE // max(1, pool.shape[1] * vectors.shape[1]))
        pooled = [
            torch.bmm(queries, functional.embedding(items, vectors).transpose(1, 2))
            for queries, items in zip(torch.split(self._queries, at_once), torch.split(pool, at_once), strict=True)
        ]
        return torch.cat([torch.cat(pooled), sampled], dim=2)


class ProductColumn:
    """One column of a ``ProductLookup``. Content's offers nothing: lists of neighbours do, which its best are in."""

    def __init__(self, products: ProductLookup, column: int, *, searched: bool) -> None:
        self._products, self._column, self._searched = products, column, searched

    def offers(self, count: int) -> NDArray[np.int64]:
        """See ``Lookup``."""
        return self._products.best(self._column, count) if self._searched else self._products.none

    def at(self, looked: Looked) -> torch.Tensor:
        """See ``Lookup``."""
        return self._products.products(looked)[:, self._column]

    def masses(self, powers: Sequence[float]) -> None:  # noqa: ARG002
        """See ``Lookup``."""
        return


class GramLookup:
    """Scores that are products of sparse vectors of the histories with those of the items, for C columns."""

    def __init__(self, queries: Sequence[sp.csr_array], grams: sp.csr_array) -> None:
        """``queries`` C of [B, G], ``grams`` [n, G]; the items' grams are read once for all columns."""
        self._queries, self._grams = queries, grams
        self._last: tuple[Looked, torch.Tensor] | None = None

    @property
    def columns(self) -> list[Lookup]:
        """The lookup of each of the C columns; none offers anything, as the lists of neighbours of content do."""
        return [GramColumn(self, place) for place in range(len(self._queries))]

    @property
    def none(self) -> NDArray[np.int64]:
        """[B, 0] no offers."""
        return np.full((self._queries[0].shape[0], 0), -1)

    def products(self, looked: Looked) -> torch.Tensor:
        """[C, B, P + S]; those of the place that was looked at last are kept."""
        if self._last is None or self._last[0] is not looked:
            self._last = (looked, torch.from_numpy(self._worked_out(looked)))
        return self._last[1]

    def _worked_out(self, looked: Looked) -> NDArray[np.float32]:
        grams, columns = self._grams, range(len(self._queries))
        of_sample = grams[looked.sample].T
        pooled = np.empty((len(columns), *looked.pool.shape), np.float32)
        dense = np.zeros((grams.shape[1], len(columns)), np.float32)
        for row, items in enumerate(looked.pool):
            own = [slice(*queries.indptr[row : row + 2]) for queries in self._queries]
            for column, (queries, part) in enumerate(zip(self._queries, own, strict=True)):
                dense[queries.indices[part], column] = queries.data[part]
            pooled[:, row] = (grams[items] @ dense).T
            for queries, part in zip(self._queries, own, strict=True):
                dense[queries.indices[part]] = 0
        sampled = np.stack([(queries @ of_sample).toarray() for queries in self._queries])
        return np.concatenate([pooled, sampled.astype(np.float32)], axis=2)


class GramColumn:
    """One column of a ``GramLookup``."""

    def __init__(self, grams: GramLookup, column: int) -> None:
        self._grams, self._column = grams, column

    def offers(self, count: int) -> NDArray[np.int64]:  # noqa: ARG002
        """See ``Lookup``."""
        return self._grams.none

    def at(self, looked: Looked) -> torch.Tensor:
        """See ``Lookup``."""
        return self._grams.products(looked)[self._column]

    def masses(self, powers: Sequence[float]) -> None:  # noqa: ARG002
        """See ``Lookup``."""
        return
