"""The catalogue and the users that a fitted recommender serves, as they were when it was fitted.

n items, U users, D features.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from client.data.ragged import offsets_of
from client.data.sequences import Sequences, select
from client.features.hashing import gram_weights
from client.features.prepared_platform import Catalogue, Neighbours, PreparedPlatform
from client.features.rows import sparse_rows
from client.scorers.scorer import Matrix

Arrays = Mapping[str, NDArray[Any]]
"""Of a record, by name; what stands for one thing shares a name up to the last dot."""


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


def texts_from_arrays(name: str, arrays: Arrays) -> tuple[str, ...]:
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
    flat, offsets = arrays[f"{name}.bytes"].tobytes(), arrays[f"{name}.offsets"].tolist()
    pairs = pairwise(offsets)
    return tuple(flat[start:end].decode("utf-8", "surrogatepass") for start, end in pairs)


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
        The matrix, dense or sparse as it was.

    Raises:
        KeyError: if an array is missing.
        ValueError: if the arrays hold anything else.
    """
    if f"{name}.dense" in arrays:
        return arrays[f"{name}.dense"]
    rows, columns = arrays[f"{name}.shape"].tolist()
    data, indices, offsets = (arrays[f"{name}.{key}"] for key in ("data", "indices", "indptr"))
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

    item_ids: tuple[str, ...]
    """[n]"""
    texts: tuple[str, ...]
    """[n]"""
    categories: tuple[str, ...] | None
    """[n] or None"""
    catalogue: Catalogue
    """vectors and neighbours"""
    gram_weights: sp.csr_array
    """[n, BUCKETS] of the texts, under no idf"""

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
        categories = {} if self.categories is None else texts_to_arrays("categories", self.categories)
        return {
            **texts_to_arrays("items", self.item_ids),
            **texts_to_arrays("texts", self.texts),
            **categories,
            **matrix_to_arrays("grams", self.gram_weights),
            "features": catalogue.features,
            "neighbours": catalogue.neighbours.items.astype(np.int32),
            "cosines": catalogue.neighbours.cosines,
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "ServedCatalogue":
        """The inverse of ``to_arrays``; raises KeyError or ValueError for anything else."""
        neighbours = Neighbours(items=arrays["neighbours"].astype(np.int64), cosines=arrays["cosines"])
        return cls(
            item_ids=texts_from_arrays("items", arrays),
            texts=texts_from_arrays("texts", arrays),
            categories=texts_from_arrays("categories", arrays) if "categories.bytes" in arrays else None,
            catalogue=Catalogue(features=arrays["features"], known=neighbours),
            gram_weights=sp.csr_array(matrix_from_arrays("grams", arrays)),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class ServedUsers:
    """Users and all their events."""

    user_ids: tuple[str, ...]
    """[U]; never leave the platform"""
    sequences: Sequences
    """rows of the catalogue, oldest first"""

    def without(self, users: Set[str]) -> "ServedUsers":
        """All others; these very users where none of them is here."""
        remaining = np.array([user not in users for user in self.user_ids], bool)
        if remaining.all():
            return self
        ids = tuple(user for user, keep in zip(self.user_ids, remaining, strict=True) if keep)
        return ServedUsers(user_ids=ids, sequences=select(self.sequences, np.flatnonzero(remaining)))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """For a record."""
        events: dict[str, NDArray[Any]] = {
            "events.items": self.sequences.items,
            "events.offsets": self.sequences.offsets,
        }
        if self.sequences.times is not None:
            events["events.times"] = self.sequences.times
        return {**texts_to_arrays("users", self.user_ids), **events}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "ServedUsers":
        """The inverse of ``to_arrays``; raises KeyError or ValueError for anything else."""
        sequences = Sequences(
            offsets=arrays["events.offsets"], items=arrays["events.items"], times=arrays.get("events.times")
        )
        return cls(user_ids=texts_from_arrays("users", arrays), sequences=sequences)
