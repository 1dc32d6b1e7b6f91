"""Items of the largest products with a vector, found without looking at each: items lie in cells, near ones together.

Looked at are those of the cells whose centres have the largest products, until there are 40 √n items (an inverted file:
Jégou, Douze, Schmid, PAMI 2011). n items, d numbers of a vector, C cells.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.ragged import offsets_of, stretches
from client.features.grown_rows import Places
from client.store.stored_rows import StoredRows
from shared.seeding import rng_for

_LOOKED_AT_A_ROOT = 40
"""items that are looked at for each unit of √n"""
_CELLS_A_ROOT = 3
"""cells for each unit of √n"""
_SAMPLED, _ROUNDS = 40, 8
"""items a cell by which centres are told, and rounds of k-means"""
_SHORT = 100
"""items of a cell on average, below which one product of all is faster than one of each cell"""
_AT_ONCE = 4_000_000
"""products that are worked out at once"""


@dataclass(frozen=True, eq=False, kw_only=True)
class SearchIndex:
    """Vectors of n items in half precision, cell by cell."""

    centres: NDArray[np.float32]
    """[C, d] means of the cells' vectors"""
    starts: NDArray[np.int64]
    """[C + 1] where each cell begins and the last ends"""
    rows: NDArray[np.int32]
    """[n] the item at each place"""
    vectors: NDArray[np.float16] | StoredRows
    """[n, d] place by place"""
    later: "Later | None" = None
    """what changed or came since the cells were told; looked at by every search"""

    @classmethod
    def of(cls, vectors: NDArray[np.float32], centres: NDArray[np.float32] | None = None) -> "SearchIndex":
        """Over a catalogue.

        Args:
            vectors: [n, d] of its items.
            centres: [C, d] of cells that were told before; None: they are told by these vectors.

        Returns:
            The index.
        """
        if centres is None:
            centres = _centres(vectors, int(_CELLS_A_ROOT * np.sqrt(len(vectors))))
        cells = _nearest(vectors, centres)
        order = np.argsort(cells, kind="stable").astype(np.int32)
        starts = offsets_of(np.bincount(cells, minlength=len(centres)))
        return cls(centres=centres, starts=starts, rows=order, vectors=_halves(vectors[order]))

    @cached_property
    def _places(self) -> NDArray[np.int32]:
        """[n] where each item stands."""
        places = np.empty_like(self.rows)
        places[self.rows] = np.arange(len(self.rows), dtype=np.int32)
        return places

    def products(self, query: torch.Tensor, items: NDArray[np.int64]) -> torch.Tensor:
        """With the vectors of some items.

        Args:
            query: [d].
            items: [M] rows of the catalogue.

        Returns:
            [M].
        """
        if self.later is None:
            return torch.from_numpy(self.vectors[self._places[items]]).float() @ query
        places = self.later.places.later[items]
        vectors = np.empty((len(items), self.vectors.shape[1]), np.float16)
        vectors[places >= 0] = self.later.vectors[places[places >= 0]]
        vectors[places < 0] = self.vectors[self._places[items[places < 0]]]
        return torch.from_numpy(vectors).float() @ query

    def grown(self, rows: NDArray[np.int64], vectors: NDArray[np.float32], size: int) -> "SearchIndex":
        """Over a catalogue that has grown; its cells stay as they are.

        Args:
            rows: [c] that changed or are new.
            vectors: [c, d] of them.
            size: N items of the catalogue now.

        Returns:
            The index.
        """
        halves, before = _halves(vectors), self.later
        places = Places.of(rows, size, None if before is None else before.places)
        later = Later(places=places, vectors=halves if before is None else np.concatenate([before.vectors, halves]))
        return replace(self, later=later)

    def best(
        self, query: torch.Tensor, count: int, hidden: Callable[[NDArray[Any]], NDArray[np.bool_]]
    ) -> NDArray[np.int64]:
        """The items of the largest products, the best first, among those that are looked at and not hidden.

        Args:
            query: [d].
            count: most items.
            hidden: tells of items [N] which are hidden.

        Returns:
            [K] rows of the catalogue.
        """
        starts, lengths = self._looked_at(query)
        places = stretches(starts, lengths)
        items = self.rows[places]
        if lengths.mean() < _SHORT:
            products = (torch.from_numpy(self._vectors_at(starts, lengths, places)).float() @ query).numpy()
        else:
            products = self._products_of(starts, lengths, query)
        if self.later is not None:
            products[self.later.places.later[items] >= 0] = -np.inf
            items = np.concatenate([items, self.later.rows])
            products = np.concatenate([products, (self.later.newest @ query).numpy()])
        products[hidden(items)] = -np.inf
        best = torch.from_numpy(products).topk(min(count, len(items)))
        return np.asarray(items[best.indices.numpy()][best.values.numpy() > -np.inf], np.int64)

    def _vectors_at(
        self, starts: NDArray[np.int64], lengths: NDArray[np.int64], places: NDArray[np.int64]
    ) -> NDArray[np.float16]:
        """[P, d] of cells, copied."""
        if isinstance(self.vectors, StoredRows):
            vectors: NDArray[np.float16] = self.vectors.stretches(starts, lengths, places)
            return vectors
        return self.vectors[places]

    def _products_of(
        self, starts: NDArray[np.int64], lengths: NDArray[np.int64], query: torch.Tensor
    ) -> NDArray[np.float32]:
        """[P] of cells, which are not copied."""
        if isinstance(self.vectors, StoredRows):
            cells = self.vectors.uncopied(starts, lengths)
        else:
            ends = starts + lengths
            cells = [self.vectors[begin:end] for begin, end in zip(starts.tolist(), ends.tolist(), strict=True)]
        products, begin = torch.empty(int(lengths.sum())), 0
        for cell in cells:
            torch.mv(torch.from_numpy(cell).float(), query, out=products[begin : begin + len(cell)])
            begin += len(cell)
        return np.asarray(products.numpy())

    def _looked_at(self, query: torch.Tensor) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the best cells begin, and how many places each of them has."""
        order = (torch.from_numpy(self.centres) @ query).argsort(descending=True).numpy()
        lengths = np.diff(self.starts)[order]
        enough = _LOOKED_AT_A_ROOT * np.sqrt(len(self.rows))
        cells = order[: int(np.searchsorted(np.cumsum(lengths), enough)) + 1]
        return self.starts[cells], self.starts[cells + 1] - self.starts[cells]


@dataclass(frozen=True, eq=False, kw_only=True)
class Later:
    """Vectors beside those of an index, in the place of some of them or of new items."""

    places: Places
    """of N items"""
    vectors: NDArray[np.float16]
    """[c, d]"""

    @cached_property
    def rows(self) -> NDArray[np.int32]:
        """[k] the items, rising, each once."""
        return np.flatnonzero(self.places.later >= 0).astype(np.int32)

    @cached_property
    def newest(self) -> torch.Tensor:
        """[k, d] the vector of each of them as it is now."""
        return torch.from_numpy(self.vectors[self.places.later[self.rows]]).float()


def _centres(vectors: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """[count, d] by k-means over a sample; a cell that loses all its items keeps its centre."""
    drawn = rng_for(0, "search-index").permutation(len(vectors))[: _SAMPLED * count]
    sample = vectors[np.sort(drawn)]
    centres = vectors[drawn[:count]].copy()
    for _ in range(_ROUNDS):
        cells = torch.from_numpy(_nearest(sample, centres))
        sums = torch.zeros(centres.shape).index_add_(0, cells, torch.from_numpy(sample))
        sizes = torch.bincount(cells, minlength=count)
        filled = (sizes > 0).numpy()
        centres[filled] = (sums / sizes[:, None].clamp(min=1)).numpy()[filled]
    return centres


def _nearest(vectors: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.int64]:
    """[N] the cell of the nearest centre, for vectors [N, d]."""
    across, halves = torch.from_numpy(centres.T.copy()), torch.from_numpy((centres**2).sum(1) / 2)
    cells = np.empty(len(vectors), np.int64)
    size = max(1, _AT_ONCE // len(centres))
    for start in range(0, len(vectors), size):
        products = torch.from_numpy(np.asarray(vectors[start : start + size], np.float32)) @ across
        cells[start : start + size] = (products - halves).argmax(1).numpy()
    return cells


def _halves(vectors: NDArray[np.float32]) -> NDArray[np.float16]:
    return torch.from_numpy(vectors).half().numpy()
