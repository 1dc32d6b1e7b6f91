"""What keeps the vectors of texts that were read before, so that they are not read again."""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shared.feature_space import FeatureSpace

Read = Callable[[Sequence[str]], NDArray[np.float32]]
"""n texts to their vectors [n, D]; each text's vector depends on it alone."""


class KeptVectors(Protocol):
    """Vectors by the texts that they were read from."""

    def of(self, space: FeatureSpace, texts: Sequence[str], read: Read) -> NDArray[np.float32]:
        """[n, D] the texts' vectors in a space; ``read`` gives those that are not kept yet."""
        ...


@dataclass(frozen=True)
class VectorFolder:
    """Plain files, one for each catalogue and space: for experiments, whose texts are nobody's secret."""

    folder: Path

    def of(self, space: FeatureSpace, texts: Sequence[str], read: Read) -> NDArray[np.float32]:
        """The file's vectors; where it is missing or damaged it is made again."""
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
