"""Columns of products for one history: which items they are searched for, and where else they are worked out.

n items, D numbers of an item's vector, s of those that are searched by, d of a sequence part, M items.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.sequences import Sequences
from client.recommender.search_index import SearchIndex
from client.scorers.encoder_scorers import Sequence
from client.scorers.lookups import Looked
from client.scorers.one_history import OneHistory
from client.scorers.scorer import HistoryBatch, QueryScorer, Scorer
from shared.seeding import rng_for

_WIDTH = 192
"""numbers by which products of long vectors are searched"""
_DRAWN = 4_000
"""items by which it is told which numbers these are"""
_RIDGE = 0.01
"""of the mean of the items' moments, which holds back directions that hardly any item has"""
_WORKED_OUT = 300
"""items of the largest short products, whose whole ones tell the best"""
_AT_ONCE = 20_000
_INDEX = ("centres", "starts", "rows", "vectors")


@dataclass(frozen=True, eq=False, kw_only=True)
class Basis:
    """Few numbers of a query and of an item whose product comes nearest to the whole one, over queries and items."""

    of_queries: torch.Tensor
    """[D, s]"""
    of_items: torch.Tensor
    """[D, s]"""

    @classmethod
    def told(cls, scorer: QueryScorer) -> "Basis":
        """By histories of one item each: the largest singular directions of queries times a root of the items' moments.

        The best of rank s by squared error (Eckart, Young 1936).
        """
        n_items = len(scorer.vectors)
        rows = rng_for(0, "search-basis").permutation(n_items)[:_DRAWN].astype(np.int32)
        single = Sequences(offsets=np.arange(len(rows) + 1), items=rows)
        queries = torch.from_numpy(np.concatenate(scorer.queries(HistoryBatch(single, n_items))))
        vectors = torch.from_numpy(np.asarray(scorer.vectors[rows], np.float32))
        moments = vectors.T @ vectors / len(vectors)
        moments.diagonal().add_(_RIDGE * moments.diagonal().mean())
        root = torch.linalg.cholesky(moments)
        across = queries @ root
        directions = torch.linalg.eigh(across.T @ across).eigenvectors[:, -_WIDTH:]
        return cls(
            of_queries=(root @ directions).contiguous(),
            of_items=torch.linalg.solve_triangular(root.T, directions, upper=True).contiguous(),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Search:
    """Where the items are that a column says most of."""

    index: SearchIndex
    basis: Basis | None = None
    """None where the index holds whole vectors"""

    @classmethod
    def of(cls, scorer: Scorer, before: "Search | None" = None) -> "Search | None":
        """For the products of a scorer.

        Args:
            scorer: of the catalogue.
            before: of the same scorer over a catalogue that has grown to this one; its cells and basis stay.

        Returns:
            The search; None where products are not searched for.
        """
        centres = None if before is None else before.index.centres
        if isinstance(scorer, Sequence):
            return cls(index=SearchIndex.of(scorer.table.joined.numpy(), centres))
        if not (isinstance(scorer, QueryScorer) and scorer.searched):
            return None
        basis = Basis.told(scorer) if before is None or before.basis is None else before.basis
        parts = [vectors @ basis.of_items for vectors in torch.split(torch.from_numpy(scorer.vectors), _AT_ONCE)]
        return cls(index=SearchIndex.of(torch.cat(parts).numpy(), centres), basis=basis)

    def grown(self, rows: NDArray[np.int64], vectors: NDArray[np.float32], size: int) -> "Search":
        """Over a catalogue that has grown.

        Args:
            rows: [c] that changed or are new.
            vectors: [c, D] of them, or [c, d + 1] of a sequence part's table.
            size: N items of the catalogue now.

        Returns:
            The search.
        """
        searched = vectors if self.basis is None else vectors @ self.basis.of_items.numpy()
        return Search(index=self.index.grown(rows, np.ascontiguousarray(searched), size), basis=self.basis)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """For a record."""
        basis = {} if self.basis is None else {"of_queries": self.basis.of_queries, "of_items": self.basis.of_items}
        return {
            **{name: getattr(self.index, name) for name in _INDEX},
            **{name: array.contiguous().numpy() for name, array in basis.items()},
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Search":
        """The inverse of ``to_arrays``; raises KeyError for anything else."""
        basis = None
        if "of_queries" in arrays:
            of_queries, of_items = (torch.from_numpy(arrays[name]) for name in ("of_queries", "of_items"))
            basis = Basis(of_queries=of_queries, of_items=of_items)
        centres, starts, rows, vectors = (arrays[name] for name in _INDEX)
        return cls(index=SearchIndex(centres=centres, starts=starts, rows=rows, vectors=vectors), basis=basis)


def searches_of(scorers: Mapping[str, Scorer], before: Mapping[str, Search]) -> dict[str, Search]:
    """Of those scorers whose products are searched for.

    Args:
        scorers: by their first column's name.
        before: searches of the same fit over a catalogue that has grown to this one, by the same names.

    Returns:
        The searches, by the same names.
    """
    searches = {name: Search.of(scorer, before.get(name)) for name, scorer in scorers.items()}
    return {name: search for name, search in searches.items() if search is not None}


class Products:
    """Products of a history's vectors with the items' where it is looked; these are read once for all columns."""

    def __init__(self, vectors: NDArray[np.float32], of_sample: NDArray[np.float32]) -> None:
        """``vectors`` [n, D], and those of the sample [S, D]."""
        self._vectors, self._of_sample = vectors, of_sample
        self._queries: list[NDArray[np.float32]] = []
        self._last: tuple[Looked, torch.Tensor] | None = None

    def column(self, query: NDArray[np.float32], search: Search | None, hidden: OneHistory) -> "ProductColumn":
        """A further column.

        Args:
            query: [D].
            search: by which it offers items; None where another column offers them.
            hidden: which items may not be recommended.

        Returns:
            Its lookup.
        """
        self._queries.append(query)
        return ProductColumn(self, len(self._queries) - 1, query, search, hidden)

    def with_items(self, query: NDArray[np.float32], items: NDArray[np.int64]) -> NDArray[np.float32]:
        """Of one query.

        Args:
            query: [D].
            items: [N] rows of the catalogue.

        Returns:
            [N].
        """
        return np.asarray(self._vectors[items] @ query, np.float32)

    def at(self, looked: Looked) -> torch.Tensor:
        """[C, M] of all columns; those of the place that was looked at last are kept."""
        if self._last is None or self._last[0] is not looked:
            vectors = np.concatenate([self._vectors[looked.pool[0]], self._of_sample])
            self._last = (looked, torch.from_numpy(np.stack(self._queries)) @ torch.from_numpy(vectors).T)
        return self._last[1]


class ProductColumn:
    """One column of ``Products``; see ``Lookup``."""

    def __init__(
        self,
        products: Products,
        place: int,
        query: NDArray[np.float32],
        search: Search | None,
        hidden: OneHistory,
    ) -> None:
        self._products, self._place, self._query = products, place, query
        self._search, self._hidden = search, hidden

    def offers(self, count: int) -> NDArray[np.int64]:
        """See ``Lookup``."""
        if self._search is None or self._search.basis is None:
            return np.full((1, 0), -1)
        reduced = torch.from_numpy(self._query) @ self._search.basis.of_queries
        items = self._search.index.best(reduced, max(_WORKED_OUT, count), self._hidden.at)
        whole = self._products.with_items(self._query, items)
        return items[np.argpartition(-whole, min(count, len(items)) - 1)[:count]][None] if len(items) else items[None]

    def at(self, looked: Looked) -> torch.Tensor:
        """See ``Lookup``."""
        return self._products.at(looked)[self._place][None]

    def masses(self, _powers: object) -> None:
        """See ``Lookup``."""
        return


class TableColumn:
    """The column of a sequence part; see ``Lookup``."""

    def __init__(self, state: NDArray[np.float32], search: Search, hidden: OneHistory) -> None:
        """``state`` [d] of the history."""
        self._query = torch.from_numpy(np.append(state, np.float32(1)))
        self._index, self._hidden = search.index, hidden

    def offers(self, count: int) -> NDArray[np.int64]:
        """See ``Lookup``."""
        return self._index.best(self._query, count, self._hidden.at)[None]

    def at(self, looked: Looked) -> torch.Tensor:
        """See ``Lookup``."""
        return self._index.products(self._query, looked.items[0].numpy())[None]

    def masses(self, _powers: object) -> None:
        """See ``Lookup``."""
        return
