"""A catalogue's vectors in a named feature space, cached on disk by content hash."""

import hashlib
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from client.features import hashing, precomputed
from client.features.items import Items
from client.features.sentences import NAME as SENTENCES
from client.features.sentences import sentence_space
from shared.errors import ConfigError
from shared.feature_space.spec import FeatureSpace

CHOICES = f"hashing[:DIM], precomputed[:LABEL] or {SENTENCES}:MODEL"
"""The feature spaces, as they are written."""


def check_features(features: str) -> None:
    """Raise ConfigError unless this names a feature space."""
    name, _, label = features.partition(":")
    if name == hashing.NAME and hashing.dim_of(label) is None:
        bounds = f"a multiple of 64 from {hashing.LEAST_DIM} to {hashing.MOST_DIM}"
        raise ConfigError(f"features hashing:DIM must have a DIM that is {bounds}; got {features!r}")
    if name not in (hashing.NAME, precomputed.NAME) and not (name == SENTENCES and label):
        raise ConfigError(f"features must be {CHOICES}; got {features!r}")


def item_features(
    items: Items, features: str, *, cache: Path | None = None
) -> tuple[FeatureSpace, NDArray[np.float32]]:
    """The feature space and the catalogue's vectors [n, D], each of length 1 or 0.

    Args:
        items: a platform, for its catalogue, or other items of it.
        features: one of ``CHOICES``.
        cache: a folder for the vectors of texts already read; None keeps nothing.

    Raises:
        ConfigError: if no such feature space exists, or its model cannot be loaded.
        DataError: if the platform lacks the vectors it needs.
    """
    check_features(features)
    name, _, label = features.partition(":")
    if name == precomputed.NAME:
        vectors = precomputed.given_vectors(items)
        return precomputed.precomputed_space(vectors.shape[1], label), vectors
    if name == SENTENCES:
        sentences = sentence_space(label)
        return sentences.space, _read_once(sentences.space, items.texts, sentences.vectors, cache)
    space = hashing.hashing_space(hashing.dim_of(label) or hashing.DIM)
    return space, _read_once(space, items.texts, partial(hashing.hash_texts, dim=space.dim), cache)


def _read_once(
    space: FeatureSpace,
    texts: Sequence[str],
    read: Callable[[Sequence[str]], NDArray[np.float32]],
    cache: Path | None,
) -> NDArray[np.float32]:
    if cache is None:
        return read(texts)
    file = cache / f"{_content_key(space, texts)}.npy"
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
    """The cached vectors, or None where the file is missing or damaged (they are then made again)."""
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
