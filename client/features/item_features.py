"""A catalogue's vectors in a named feature space; ``precomputed`` is the one of vectors that the platform already has.

What made precomputed vectors cannot be asked for its probe vectors, so their space is known by its label and length:
platforms that name the same label vouch that the same model made their vectors.
"""

from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from client.data.folder_options import FEATURE_SPACES
from client.features import hashing
from client.features.kept_vectors import KeptVectors
from client.features.rows import unit_rows
from client.features.sentences import SENTENCES, sentence_space
from shared.errors import ConfigError, DataError
from shared.feature_space import FeatureSpace, fingerprinted
from shared.system.device import CPU, Device

PRECOMPUTED = "precomputed"


class Items(Protocol):
    """n items."""

    @property
    def name(self) -> str:
        """Whose they are, for messages."""
        ...

    @property
    def texts(self) -> tuple[str, ...]:
        """[n]."""
        ...

    @property
    def vectors(self) -> NDArray[np.float32] | None:
        """[n, D] given vectors, or None."""
        ...


def precomputed_space(dim: int, label: str = "") -> FeatureSpace:
    """The identity of given vectors.

    Args:
        dim: their length, D.
        label: names what made them; platforms with the same label vouch for the same model. Empty: not named.

    Returns:
        the feature space, with its fingerprint of label and length.
    """
    return fingerprinted(PRECOMPUTED, (("label", label), ("dim", dim)), np.zeros((1, dim), np.float32))


def given_vectors(items: Items) -> NDArray[np.float32]:
    """The items' own vectors.

    Args:
        items: of a platform; n of them.

    Returns:
        [n, D] each of length 1; a zero vector stays zero.

    Raises:
        DataError: if they have none.
    """
    if items.vectors is None:
        raise DataError(f"{items.name}: the feature space precomputed needs item vectors; the folder has none")
    return unit_rows(np.asarray(items.vectors, np.float32))


def check_features(features: str) -> None:
    """Raise ConfigError unless this names a feature space."""
    name, _, label = features.partition(":")
    if name == hashing.NAME and hashing.dim_of(label) is None:
        bounds = f"a multiple of 64 from {hashing.LEAST_DIM} to {hashing.MOST_DIM}"
        raise ConfigError(f"features hashing:DIM must have a DIM that is {bounds}; got {features!r}")
    if name not in (hashing.NAME, PRECOMPUTED) and not (name == SENTENCES and label):
        raise ConfigError(f"features must be {FEATURE_SPACES}; got {features!r}")


def known_space(features: str) -> FeatureSpace | None:
    """The feature space, where its name alone tells it; None where the catalogue or a model does.

    Raises ConfigError where no such feature space exists.
    """
    check_features(features)
    name, _, label = features.partition(":")
    return hashing.hashing_space(hashing.dim_of(label) or hashing.DIM) if name == hashing.NAME else None


def item_features(
    items: Items, features: str, *, cached_vectors: KeptVectors | None = None, device: Device = CPU
) -> tuple[FeatureSpace, NDArray[np.float32]]:
    """The feature space and the catalogue's vectors [n, D], each of length 1 or 0.

    Args:
        items: a platform, for its catalogue, or other items of it.
        features: one of ``FEATURE_SPACES``.
        cached_vectors: what keeps the vectors of texts already read; None reads all.
        device: where sentences are read.

    Raises:
        ConfigError: if no such feature space exists, or its model cannot be loaded.
        DataError: if the platform lacks the vectors it needs.
    """
    check_features(features)
    name, _, label = features.partition(":")
    if name == PRECOMPUTED:
        vectors = given_vectors(items)
        return precomputed_space(vectors.shape[1], label), vectors
    if name == SENTENCES:
        sentences = sentence_space(label, device)
        space, read = sentences.space, sentences.vectors
    else:
        space = hashing.hashing_space(hashing.dim_of(label) or hashing.DIM)
        read = partial(hashing.hash_texts, dim=space.dim)
    return space, read(items.texts) if cached_vectors is None else cached_vectors.of(space, items.texts, read)
