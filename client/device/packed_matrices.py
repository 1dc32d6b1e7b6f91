"""The matrices of a pack that walks go over, and its content vectors: rounded on the disk, unpacked as they are read.

n items, C weighed histories, E entries, L items of a history, Q queries, D numbers of a content vector.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.device.pack import CataloguePack
from client.device.ragged_rows import RaggedRows

Float32 = NDArray[np.float32]
_BLOCK = 128
"""vectors that are unpacked at once: what they take stays near the processor"""


class PackedMatrices:
    """Of one pack."""

    def __init__(self, pack: CataloguePack) -> None:
        self._pack = pack
        self._n_items = len(pack.arrays["item.users"])
        self._scales: Mapping[str, float] = pack.facts["scales"]
        self._graphs: Mapping[str, Mapping[str, float]] = pack.facts["graphs"]
        self._opened: dict[str, RaggedRows] = {}
        self._room = np.empty((_BLOCK, pack.arrays["item.vectors"].shape[1]), np.float32)

    def walked(self, weights: Float32, rows: NDArray[np.int64], name: str) -> Float32:
        """Weighed sums of rows of a matrix.

        Args:
            weights: [C, L] of each row.
            rows: [L] items, each once.
            name: of the matrix.

        Returns:
            [C, n].
        """
        owners, columns, values = self._entries(name, rows)
        spread = weights[:, owners] * values
        return np.array([np.bincount(columns, row, minlength=self._n_items) for row in spread], np.float32)

    def walked_on(self, weights: Float32, rows: NDArray[np.int64], names: tuple[str, str], most: int) -> Float32:
        """The same in two steps.

        Args:
            weights: [C, L] of each row.
            rows: [L] items, each once.
            names: of the first matrix and the second.
            most: items of the largest values from which the second step goes on; 0 for all.

        Returns:
            [C, n].
        """
        return np.concatenate(
            [self._second_step(first, names[1], most) for first in self.walked(weights, rows, names[0])]
        )

    def _second_step(self, first: Float32, name: str, most: int) -> Float32:
        items = np.flatnonzero(first)
        if most and len(items) > most:
            items = items[np.argpartition(first[items], -most)[-most:]]
        return self.walked(first[None, items], items, name)

    def gram_sums(self, rows: NDArray[np.int64], weights: Float32) -> Float32:
        """Products of weighed sums of items' grams, each item's at length 1, with those of all.

        Args:
            rows: [M] items, each once.
            weights: [Q, M].

        Returns:
            [Q, n].
        """
        grams, offsets = self._grams.parts, self._grams.offsets
        entries = np.flatnonzero(self._is_of(rows, grams["items"]))
        place_of = np.zeros(self._n_items, np.int32)
        place_of[rows] = np.arange(len(rows))
        used, places = np.unique(np.searchsorted(offsets, entries, side="right") - 1, return_inverse=True)
        owners = place_of[grams["items"][entries]]
        values = grams["weights"][entries] / self._gram_norms[rows][owners]
        queries = [np.bincount(places, row[owners] * values, minlength=len(used)) for row in weights]
        spans = list(zip(offsets[used].tolist(), offsets[used + 1].tolist(), strict=True))
        if not spans:
            return np.zeros((len(weights), self._n_items), np.float32)
        counts = [end - start for start, end in spans]
        items = np.concatenate([grams["items"][start:end] for start, end in spans]).astype(np.intp)
        twice = np.concatenate([grams["weights"][start:end] for start, end in spans])
        squares = self._idf[used] ** 2
        sums = [
            np.bincount(items, np.repeat(row * squares, counts) * twice, minlength=self._n_items) for row in queries
        ]
        return np.asarray(np.array(sums) / self._gram_norms, np.float32)

    def _is_of(self, rows: NDArray[np.int64], items: NDArray[Any]) -> NDArray[np.bool_]:
        """Where entries are of some items; a single one is told by comparing, which takes a fifth of the time."""
        if len(rows) == 1:
            return np.asarray(items == rows[0])
        is_there = np.zeros(self._n_items, bool)
        is_there[rows] = True
        return np.asarray(is_there[items])

    def vectors(self, rows: NDArray[np.int64]) -> Float32:
        """[L, D] content vectors of items."""
        vectors: Float32 = self._pack.arrays["item.vectors"][rows] * self._pack.arrays["item.vector_scales"][rows, None]
        return vectors

    def products(self, queries: Float32) -> Float32:
        """[C, n] products of queries [C, D] with all content vectors, unpacked a few at a time."""
        vectors, products = self._pack.arrays["item.vectors"], np.empty((self._n_items, len(queries)), np.float32)
        by_column = np.ascontiguousarray(queries.T)
        for begin in range(0, self._n_items, _BLOCK):
            block = self._room[: min(_BLOCK, self._n_items - begin)]
            block[:] = vectors[begin : begin + _BLOCK]
            np.matmul(block, by_column, out=products[begin : begin + _BLOCK])
        products *= self._pack.arrays["item.vector_scales"][:, None]
        return np.ascontiguousarray(products.T)

    def _entries(self, name: str, rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any], Float32]:
        """[E] which of the rows each entry is of, its column and its value."""
        if name in self._graphs:
            return self._nearest(self._graphs[name], rows)
        if name not in self._opened:
            self._opened[name] = self._pack.rows(f"rows.{name}")
        matrix = self._opened[name]
        owners, places = matrix.entries(rows)
        values = matrix.parts["values"][places].astype(np.float32) * np.float32(self._scales[name])
        return owners, matrix.parts["items"][places], values

    def _nearest(
        self, graph: Mapping[str, float], rows: NDArray[np.int64]
    ) -> tuple[NDArray[Any], NDArray[Any], Float32]:
        """Edges to the nearest others, weighed by a kernel of some sharpness, or by the square of the cosine."""
        nearest = int(graph["nearest"])
        items = self._pack.arrays["item.near.items"][rows, :nearest]
        cosines = self._pack.arrays["item.near.cosines"][rows, :nearest].astype(np.float32)
        weights = np.maximum(cosines, 0) ** 2
        if "sharpness" in graph:
            weights = np.exp(np.float32(graph["sharpness"]) * (cosines - 1))
        return np.repeat(np.arange(len(rows)), items.shape[1]), items.reshape(-1), weights.reshape(-1)

    @cached_property
    def _grams(self) -> RaggedRows:
        return self._pack.rows("grams")

    @cached_property
    def _idf(self) -> Float32:
        """[G] of each gram: ln((n + 1) / (df + 1)) + 1, by twice of which weights are counted."""
        frequency = self._grams.counts
        return np.asarray(np.log((self._n_items + 1) / (frequency + 1)) + 1, np.float32)

    @cached_property
    def _gram_norms(self) -> Float32:
        """[n] lengths of the items' grams; infinite where a text holds no word."""
        norms = self._pack.arrays["item.gram_norms"]
        return np.where(norms > 0, norms, np.float32(np.inf))
