"""What keeps the vectors of texts that were read before, so that they are not read again.

Plain files in experiments; one record beside the heads where a platform serves: in the vault, where there is one.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from client.store.head_store import HeadStore, StoredRecord
from shared.errors import StorageError
from shared.feature_space import FeatureSpace

RECORD = "features"
_DIGEST = 16
_LOG = logging.getLogger("graft.client")
Read = Callable[[Sequence[str]], NDArray[np.float32]]
"""n texts to their vectors [n, D]; each text's vector depends on it alone."""


class KeptVectors(Protocol):
    """Vectors by the texts that they were read from."""

    def of(self, space: FeatureSpace, texts: Sequence[str], read: Read) -> NDArray[np.float32]:
        """The texts' vectors in a space; only those that are not kept yet are read.

        Args:
            space: feature space of the vectors.
            texts: n of them, one for each item.
            read: gives vectors of texts that are not kept.

        Returns:
            [n, D] vectors.
        """
        ...


@dataclass(frozen=True)
class VectorFolder:
    """Plain files, one for each catalogue and space: for experiments, whose texts are nobody's secret."""

    folder: Path

    def of(self, space: FeatureSpace, texts: Sequence[str], read: Read) -> NDArray[np.float32]:
        """The file's vectors; where it is missing or damaged it is made again.

        Args:
            space: feature space of the vectors.
            texts: n of them, one for each item; the file's name follows from all of them and the space.
            read: gives the vectors of all texts where the file has none.

        Returns:
            [n, D] vectors.
        """
        file = self.folder / f"{_content_key(space, texts)}.npy"
        vectors = _cached(file, len(texts))
        if vectors is None:
            vectors = read(texts)
            _write(file, vectors)
        return vectors


def _content_key(space: FeatureSpace, texts: Sequence[str]) -> str:
    digest = hashlib.sha256(space.fingerprint.encode("utf-8"))
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()[:32]


def _cached(file: Path, n_items: int) -> NDArray[np.float32] | None:
    """The cached vectors, or None where the file is missing or damaged."""
    try:
        vectors = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if vectors.ndim != 2 or len(vectors) != n_items or vectors.dtype != np.float32:
        return None
    return np.asarray(vectors, np.float32)


def _write(file: Path, vectors: NDArray[np.float32]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    with temporary.open("wb") as stream:
        np.save(stream, vectors)
    temporary.replace(file)


@dataclass(frozen=True)
class CatalogueVectors:
    """One record: a digest of each text [n], and its vector. New texts are read, those that have gone are dropped.

    What cannot be kept, on a full disk say, or is damaged, is read again the next time; the log says so.
    """

    place: str
    """where the heads lie: two with one place are equal"""
    heads: HeadStore = field(compare=False)

    def of(self, space: FeatureSpace, texts: Sequence[str], read: Read) -> NDArray[np.float32]:
        """The texts' vectors; the record is written anew where they are others than before.

        Args:
            space: feature space of the vectors.
            texts: n of them, one for each item.
            read: gives vectors of the texts that are not on record in this space.

        Returns:
            [n, D] vectors.
        """
        digests = _digests(texts)
        known, known_vectors = self._kept(space)
        if np.array_equal(known, digests):
            return known_vectors
        rows = _rows_in(known, digests)
        new = np.flatnonzero(rows < 0)
        vectors = np.empty((len(digests), space.dim), np.float32)
        vectors[rows >= 0] = known_vectors[rows[rows >= 0]]
        if len(new):
            vectors[new] = read([texts[row] for row in new.tolist()])
        self._keep(space, digests, vectors)
        return vectors

    def _kept(self, space: FeatureSpace) -> tuple[NDArray[np.void], NDArray[np.float32]]:
        """Digests and vectors on record; none where there is no record, or one of another space."""
        nothing = _as_digests(np.zeros((0, _DIGEST), np.uint8)), np.zeros((0, space.dim), np.float32)
        try:
            stored = self.heads.read(RECORD)
        except StorageError as error:
            _LOG.warning("the catalogue's vectors are read anew: %s", error)
            return nothing
        if stored is None or stored.facts.get("space") != space.fingerprint:
            return nothing
        return _as_digests(stored.arrays["digests"]), stored.arrays["vectors"]

    def _keep(self, space: FeatureSpace, digests: NDArray[np.void], vectors: NDArray[np.float32]) -> None:
        arrays: dict[str, NDArray[Any]] = {"digests": digests.view(np.uint8).reshape(-1, _DIGEST), "vectors": vectors}
        try:
            self.heads.write(RECORD, StoredRecord(arrays=arrays, facts={"space": space.fingerprint}))
        except StorageError as error:
            _LOG.warning("the catalogue's vectors are not kept: %s", error)


def _digests(texts: Sequence[str]) -> NDArray[np.void]:
    """[n] of each text."""
    digests = [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST).digest() for text in texts]
    return _as_digests(np.frombuffer(b"".join(digests), np.uint8).reshape(-1, _DIGEST))


def _rows_in(known: NDArray[np.void], digests: NDArray[np.void]) -> NDArray[np.int64]:
    """[n] where each of ``digests`` stands in ``known``; −1 where it does not."""
    if not len(known):
        return np.full(len(digests), -1)
    order = np.argsort(known)
    rows = order[np.minimum(np.searchsorted(known, digests, sorter=order), len(known) - 1)]
    return np.where(known[rows] == digests, rows, -1)


def _as_digests(digits: NDArray[np.uint8]) -> NDArray[np.void]:
    """[n, 16] numbers as [n] values that can be compared and sorted."""
    return np.ascontiguousarray(digits).view(f"V{_DIGEST}").reshape(-1)
