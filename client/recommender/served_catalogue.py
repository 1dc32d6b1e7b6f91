"""The catalogue and the users that a fitted recommender serves, as they were when it was fitted.

n items, U users, D features.
"""

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from client.data.platform import Sequences
from client.data.ragged import offsets_of
from client.features.catalogue import Catalogue
from client.features.hashing import gram_weights
from client.features.neighbours import Neighbours
from client.features.prepared_platform import PreparedPlatform
from client.recommender.record_arrays import (
    Arrays,
    matrix_from_arrays,
    matrix_to_arrays,
    texts_from_arrays,
    texts_to_arrays,
)


@dataclass(frozen=True, kw_only=True)
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
        found = self.catalogue
        categories = {} if self.categories is None else texts_to_arrays("categories", self.categories)
        return {
            **texts_to_arrays("items", self.item_ids),
            **texts_to_arrays("texts", self.texts),
            **categories,
            **matrix_to_arrays("grams", self.gram_weights),
            "features": found.features,
            "neighbours": found.neighbours.items.astype(np.int32),
            "cosines": found.neighbours.cosines,
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


@dataclass(frozen=True, kw_only=True)
class ServedUsers:
    """Users and all their events."""

    user_ids: tuple[str, ...]
    """[U]; never leave the platform"""
    sequences: Sequences
    """rows of the catalogue, oldest first"""

    def without(self, users: Set[str]) -> "ServedUsers":
        """All others; these very users where none of them is here."""
        kept = np.array([user not in users for user in self.user_ids], bool)
        if kept.all():
            return self
        lengths = self.sequences.lengths()
        items = self.sequences.items[np.repeat(kept, lengths)]
        ids = tuple(user for user, keep in zip(self.user_ids, kept, strict=True) if keep)
        return ServedUsers(user_ids=ids, sequences=Sequences(offsets=offsets_of(lengths[kept]), items=items))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """For a record."""
        events: dict[str, NDArray[Any]] = {
            "events.items": self.sequences.items,
            "events.offsets": self.sequences.offsets,
        }
        return {**texts_to_arrays("users", self.user_ids), **events}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "ServedUsers":
        """The inverse of ``to_arrays``; raises KeyError or ValueError for anything else."""
        sequences = Sequences(offsets=arrays["events.offsets"], items=arrays["events.items"])
        return cls(user_ids=texts_from_arrays("users", arrays), sequences=sequences)
