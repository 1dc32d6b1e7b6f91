"""The public probe list's vectors in a feature space."""

import numpy as np
from numpy.typing import NDArray

from client.features import hashing
from shared.errors import ConfigError
from shared.feature_space import PROBE_TEXTS, FeatureSpace


def probe_vectors(space: FeatureSpace) -> NDArray[np.float32]:
    """[P, D] vectors of the probe texts; raises ConfigError for a space that cannot read a text."""
    if space.name != hashing.NAME:
        raise ConfigError(f"the probe texts need a feature space that reads texts (hashing); got {space.name}")
    return hashing.hash_texts(PROBE_TEXTS, space.dim)
