"""A catalogue's vectors in a named feature space."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from client.features import hashing, precomputed
from client.features.data_settings import FEATURE_SPACES
from client.features.items import Items
from client.features.kept_vectors import KeptVectors
from client.features.sentences import NAME as SENTENCES
from client.features.sentences import sentence_space
from shared.errors import ConfigError
from shared.feature_space import FeatureSpace


def check_features(features: str) -> None:
    """Raise ConfigError unless this names a feature space."""
    name, _, label = features.partition(":")
    if name == hashing.NAME and hashing.dim_of(label) is None:
        bounds = f"a multiple of 64 from {hashing.LEAST_DIM} to {hashing.MOST_DIM}"
        raise ConfigError(f"features hashing:DIM must have a DIM that is {bounds}; got {features!r}")
    if name not in (hashing.NAME, precomputed.NAME) and not (name == SENTENCES and label):
        raise ConfigError(f"features must be {FEATURE_SPACES}; got {features!r}")


def item_features(
    items: Items, features: str, *, kept: KeptVectors | None = None
) -> tuple[FeatureSpace, NDArray[np.float32]]:
    """The feature space and the catalogue's vectors [n, D], each of length 1 or 0.

    Args:
        items: a platform, for its catalogue, or other items of it.
        features: one of ``FEATURE_SPACES``.
        kept: what keeps the vectors of texts already read; None reads all.

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
        space, read = sentences.space, sentences.vectors
    else:
        space = hashing.hashing_space(hashing.dim_of(label) or hashing.DIM)
        read = partial(hashing.hash_texts, dim=space.dim)
    return space, read(items.texts) if kept is None else kept.of(space, items.texts, read)
