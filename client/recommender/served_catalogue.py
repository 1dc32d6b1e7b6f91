"""The catalogue and the users that a fitted recommender serves, as they were when it was fitted.

n items, U users, D features.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, cast

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from client.data.ids import are_whole_numbers
from client.data.ragged import offsets_of
from client.data.sequences import Sequences, select
from client.features.hashing import gram_weights, idf_of, under_idf
from client.features.prepared_platform import Catalogue, Neighbours, PreparedPlatform
from client.features.row_matrices import RoundedRows, Rows, StoredEdges, StoredMatrix, Weigh, by_row, rounded
from client.features.rows import sparse_rows
from client.recommender.stored_texts import CodedTexts, StoredIds, StoredTexts, id_index
from client.scorers.cooccurrence import Matrix
from client.scorers.scorer import WHOLE_UP_TO
from client.store.stored_rows import StoredRows

Arrays = Mapping[str, NDArray[Any]]
"""Of a record, by name; what stands for one thing shares a name up to the last dot. Of a large record, arrays of which
rows alone are asked for are ``StoredRows`` in the place of arrays."""


def texts_to_arrays(name: str, texts: Sequence[str]) -> dict[str, NDArray[Any]]:
    """``name.bytes`` (UTF-8, one after the other) and ``name.offsets``.

    Args:
        name: begins the arrays' names.
        texts: n of them.

    Returns:
        Both arrays by name: bytes, and [n + 1] where each text begins and the last ends.
    """
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    lengths = np.array([len(content) for content in encoded], np.int64)
    return {f"{name}.bytes": np.frombuffer(b"".join(encoded), np.uint8), f"{name}.offsets": offsets_of(lengths)}


def texts_from_arrays(name: str, arrays: Arrays) -> Sequence[str]:
    """The inverse of ``texts_to_arrays``.

    Args:
        name: begins the arrays' names.
        arrays: of a record.

    Returns:
        The texts.

    Raises:
        KeyError: if an array is missing.
        ValueError: if the arrays hold anything else.
    """
    content, offsets = arrays[f"{name}.bytes"], arrays[f"{name}.offsets"]
    if isinstance(content, StoredRows):
        return StoredTexts(content, offsets)
    flat, pairs = content.tobytes(), pairwise(offsets.tolist())
    return tuple(flat[start:end].decode("utf-8", "surrogatepass") for start, end in pairs)


def ids_to_arrays(name: str, ids: Sequence[str]) -> dict[str, NDArray[Any]]:
    """``texts_to_arrays``, and what ``StoredIds`` needs beside where there are many.

    Args:
        name: begins the arrays' names.
        ids: n of them, each once.

    Returns:
        The arrays by name.
    """
    if len(ids) <= WHOLE_UP_TO:
        return texts_to_arrays(name, ids)
    hashes, rows = id_index(ids)
    whole = np.array(are_whole_numbers(ids))
    return {**texts_to_arrays(name, ids), f"{name}.hashes": hashes, f"{name}.rows": rows, f"{name}.whole": whole}


def ids_from_arrays(name: str, arrays: Arrays) -> Sequence[str]:
    """The inverse of ``ids_to_arrays``.

    Args:
        name: begins the arrays' names.
        arrays: of a record.

    Returns:
        The ids.

    Raises:
        KeyError: if an array is missing.
        ValueError: if the arrays hold anything else.
    """
    content = arrays[f"{name}.bytes"]
    if isinstance(content, StoredRows) and f"{name}.hashes" in arrays:
        index = (arrays[f"{name}.hashes"], arrays[f"{name}.rows"])
        return StoredIds((content, arrays[f"{name}.offsets"]), index, whole_numbers=bool(arrays[f"{name}.whole"]))
    return texts_from_arrays(name, arrays)


def matrix_to_arrays(name: str, matrix: Matrix) -> dict[str, NDArray[Any]]:
    """``name.dense``, or ``name.data``, ``.indices``, ``.indptr`` and ``.shape`` of a sparse one.

    Args:
        name: begins the arrays' names.
        matrix: dense or sparse.

    Returns:
        The arrays by name.
    """
    if not isinstance(matrix, sp.csr_array):
        return {f"{name}.dense": matrix}
    parts = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr, "shape": np.array(matrix.shape)}
    return {f"{name}.{key}": value for key, value in parts.items()}


def matrix_from_arrays(name: str, arrays: Arrays) -> Matrix:
    """The inverse of ``matrix_to_arrays``.

    Args:
        name: begins the arrays' names.
        arrays: of a record.

    Returns:
        The matrix, dense or sparse as it was; of a large record a ``StoredMatrix``, of which rows alone can be asked.

    Raises:
        KeyError: if an array is missing.
        ValueError: if the arrays hold anything else.
    """
    if f"{name}.dense" in arrays:
        return arrays[f"{name}.dense"]
    rows, columns = arrays[f"{name}.shape"].tolist()
    data, indices, offsets = (arrays[f"{name}.{key}"] for key in ("data", "indices", "indptr"))
    if isinstance(data, StoredRows):
        return StoredMatrix(starts=offsets, columns=indices, values=data, shape=(rows, columns))
    return sparse_rows(data, indices, offsets, (rows, columns))


def names_under(prefix: str, arrays: Arrays) -> list[str]:
    """The names ``prefix...`` without what follows their last dot, sorted.

    Args:
        prefix: that they begin with.
        arrays: of a record.

    Returns:
        The names, each once, with their prefix.
    """
    return sorted({key.rpartition(".")[0] for key in arrays if key.startswith(prefix)})


@dataclass(frozen=True, eq=False, kw_only=True)
class ServedCatalogue:
    """Items with all that scorers need of them, whatever the users."""

    item_ids: Sequence[str]
    """[n]"""
    texts: Sequence[str]
    """[n]"""
    categories: Sequence[str] | None
    """[n] or None"""
    catalogue: Catalogue
    """vectors and neighbours"""
    gram_weights: sp.csr_array
    """[n, BUCKETS] of the texts, under no idf"""
    grams: sp.csr_array | None = None
    """[n, BUCKETS] of the texts under the catalogue's own idf, where they are read from a record"""
    idf: NDArray[np.float32] | None = None
    """[BUCKETS] beside them"""
    rounded: Rows | None = None
    """[n, D] the vectors in eight bits a number, where they are read from a record"""

    @property
    def looked_up(self) -> NDArray[np.float32]:
        """[n, D] the vectors as lookups take them, of which rows alone are asked for."""
        return self.catalogue.features if self.rounded is None else cast("NDArray[np.float32]", self.rounded)

    @property
    def local_grams(self) -> sp.csr_array:
        """[n, G] of the texts under the catalogue's own idf, rows of length 1 or 0."""
        return under_idf(self.gram_weights) if self.grams is None else self.grams

    def under_its_idf(self, weights: sp.csr_array) -> NDArray[np.float32]:
        """[E] the entries of further texts' grams [c, BUCKETS] under the idf of a catalogue that is read by row."""
        values = weights.data * cast("NDArray[np.float32]", self.idf)[weights.indices]
        owners = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
        lengths = np.sqrt(np.bincount(owners, values**2, minlength=weights.shape[0])).astype(np.float32)
        return np.asarray(values / lengths[owners], np.float32)

    @classmethod
    def of(cls, prepared: PreparedPlatform) -> "ServedCatalogue":
        """The platform's."""
        platform = prepared.platform
        return cls(
            item_ids=platform.item_ids,
            texts=platform.texts,
            categories=platform.categories,
            catalogue=prepared.catalogue,
            gram_weights=gram_weights(platform.texts),
        )

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """For a record."""
        catalogue = self.catalogue
        categories = {} if self.categories is None else _categories_to_arrays(self.categories)
        return {
            **ids_to_arrays("items", self.item_ids),
            **texts_to_arrays("texts", self.texts),
            **categories,
            **matrix_to_arrays("grams", self.gram_weights),
            **(self._for_lookups() if len(self.item_ids) > WHOLE_UP_TO else {}),
            "features": catalogue.features,
            "neighbours": catalogue.neighbours.items.astype(np.int32),
            "cosines": catalogue.neighbours.cosines,
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "ServedCatalogue":
        """The inverse of ``to_arrays``; raises KeyError or ValueError for anything else."""
        items, grams = arrays["neighbours"], matrix_from_arrays("grams", arrays)
        weighed = arrays.get("grams.weighed")
        if isinstance(items, StoredRows):
            neighbours: Neighbours = StoredNeighbours.over(items, cast("Rows", arrays["cosines"]))
        else:
            neighbours = Neighbours(items=items.astype(np.int64), cosines=arrays["cosines"])
        return cls(
            item_ids=ids_from_arrays("items", arrays),
            texts=texts_from_arrays("texts", arrays),
            categories=_categories_from_arrays(arrays) if "categories.bytes" in arrays else None,
            catalogue=Catalogue(features=arrays["features"], known=neighbours),
            gram_weights=by_row(grams),
            grams=replace(grams, values=weighed) if isinstance(weighed, StoredRows) else None,
            idf=arrays.get("grams.idf"),
            rounded=_rounded_of(arrays),
        )

    def _for_lookups(self) -> dict[str, NDArray[Any]]:
        """Beside: entries of the grams under their own idf, and that; the vectors in eight bits a number."""
        eighths, scales = rounded(self.catalogue.features)
        return {
            "grams.weighed": under_idf(self.gram_weights).data,
            "grams.idf": idf_of(self.gram_weights),
            "rounded.bytes": eighths,
            "rounded.scales": scales,
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class ServedUsers:
    """Users and all their events."""

    user_ids: Sequence[str]
    """[U]; never leave the platform"""
    sequences: Sequences
    """rows of the catalogue, oldest first"""
    counted: NDArray[np.bool_] | None = None
    """[U] whose events are in the statistics, on items that these count; None where that does not tell which"""

    def without(self, users: Set[str]) -> "ServedUsers":
        """All others; these very users where none of them is here."""
        remaining = np.array([user not in users for user in self.user_ids], bool)
        if remaining.all():
            return self
        ids = tuple(user for user, keep in zip(self.user_ids, remaining, strict=True) if keep)
        counted = None if self.counted is None else self.counted[remaining]
        return ServedUsers(user_ids=ids, sequences=select(self.sequences, np.flatnonzero(remaining)), counted=counted)

    def counted_on(self, items: NDArray[np.bool_]) -> Sequences:
        """[U] the events that statistics count on ``items`` [n]; no event of users whom they do not count."""
        owners = self.sequences.owners()
        there = items[self.sequences.items]
        if self.counted is not None:
            there &= self.counted[owners]
        lengths = np.bincount(owners[there], minlength=len(self.sequences))
        times = None if self.sequences.times is None else self.sequences.times[there]
        return Sequences(offsets=offsets_of(lengths), items=self.sequences.items[there], times=times)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """For a record."""
        events: dict[str, NDArray[Any]] = {
            "events.items": self.sequences.items,
            "events.offsets": self.sequences.offsets,
        }
        if self.sequences.times is not None:
            events["events.times"] = self.sequences.times
        if self.counted is not None:
            events["events.counted"] = self.counted.astype(np.uint8)
        return {**ids_to_arrays("users", self.user_ids), **events}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "ServedUsers":
        """The inverse of ``to_arrays``; raises KeyError or ValueError for anything else."""
        sequences = Sequences(
            offsets=arrays["events.offsets"], items=arrays["events.items"], times=arrays.get("events.times")
        )
        counted = arrays["events.counted"].astype(bool) if "events.counted" in arrays else None
        return cls(user_ids=ids_from_arrays("users", arrays), sequences=sequences, counted=counted)


class StoredNeighbours(Neighbours):
    """Those of a large record."""

    @classmethod
    def over(cls, items: Rows, cosines: Rows) -> "StoredNeighbours":
        """Over rows of a record.

        Args:
            items: [n, K] rows of the nearest others, nearest first.
            cosines: [n, K] of them.

        Returns:
            The neighbours.
        """
        return cls(items=cast("NDArray[np.int64]", items), cosines=cast("NDArray[np.float32]", cosines))

    def graph(self, weigh: Weigh, k: int) -> sp.csr_array:
        """See ``Neighbours``; rows alone can be asked of it.

        Args:
            weigh: gives the weight of each edge by its cosine.
            k: how many of the nearest have an edge; at most K count.

        Returns:
            [n, n] with weights on the edges to the k nearest.
        """
        items, cosines = cast("Rows", self.items), cast("Rows", self.cosines)
        edges = StoredEdges(items=items, cosines=cosines, weigh=weigh, nearest=min(k, items.shape[1]))
        return cast("sp.csr_array", edges)


def _rounded_of(arrays: Arrays) -> RoundedRows | None:
    """None where all of the catalogue is in memory."""
    eighths = arrays.get("rounded.bytes")
    return RoundedRows(eighths=eighths, scales=arrays["rounded.scales"]) if isinstance(eighths, StoredRows) else None


def _categories_to_arrays(categories: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Each text, or where there are many the distinct ones and which of them each is."""
    if len(categories) <= WHOLE_UP_TO:
        return texts_to_arrays("categories", categories)
    distinct, codes = np.unique(np.array(categories, object), return_inverse=True)
    return {**texts_to_arrays("categories", distinct.tolist()), "categories.codes": codes.astype(np.int32)}


def _categories_from_arrays(arrays: Arrays) -> Sequence[str]:
    """The inverse."""
    texts = texts_from_arrays("categories", arrays)
    if "categories.codes" not in arrays:
        return texts
    coded = CodedTexts(arrays["categories.codes"], tuple(texts))
    return coded if isinstance(arrays["features"], StoredRows) else coded[:]
