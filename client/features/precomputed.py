"""The feature space ``precomputed``: vectors that the platform already has, of any modality.

What made them cannot be asked for its probe vectors, so the space is known by its label and length: platforms that
name the same label vouch that the same model made their vectors.
"""

import numpy as np
from numpy.typing import NDArray

from client.features.items import Items
from client.features.unit_rows import unit_rows
from shared.errors import DataError
from shared.feature_space import FeatureSpace, fingerprinted

NAME = "precomputed"


def precomputed_space(dim: int, label: str = "") -> FeatureSpace:
    """The identity of given vectors of length ``dim`` made by what ``label`` names."""
    return fingerprinted(NAME, (("label", label), ("dim", dim)), np.zeros((1, dim), np.float32))


def given_vectors(items: Items) -> NDArray[np.float32]:
    """[n, D] the items' own vectors, each of length 1 (a zero vector stays zero).

    Raises:
        DataError: if they have none.
    """
    if items.vectors is None:
        raise DataError(f"{items.name}: the feature space precomputed needs item vectors; the folder has none")
    return unit_rows(np.asarray(items.vectors, np.float32))
