"""The fingerprint of a feature space: a digest that differs as soon as one vector would."""

import hashlib
import json

import numpy as np
from numpy.typing import NDArray

from shared.errors import FeatureSpaceMismatch
from shared.feature_space.spec import FeatureSpace

Parameters = tuple[tuple[str, str | int | float | bool], ...]


def fingerprinted(name: str, parameters: Parameters, probe_vectors: NDArray[np.float32]) -> FeatureSpace:
    """The feature space whose fingerprint covers name, parameters and the probe list's vectors [P, D].

    Vectors enter rounded to three digits, so that two machines' last bits cannot part one space in two.
    """
    digest = hashlib.sha256(json.dumps([name, parameters]).encode("utf-8"))
    digest.update((np.round(probe_vectors, 3) + 0.0).astype("<f4").tobytes())
    return FeatureSpace(
        name=name, parameters=parameters, dim=probe_vectors.shape[1], fingerprint=digest.hexdigest()[:32]
    )


def require_same(expected: FeatureSpace, found: FeatureSpace, *, where: str) -> None:
    """Raises FeatureSpaceMismatch, naming both spaces, unless they are the same."""
    if expected.fingerprint != found.fingerprint:
        raise FeatureSpaceMismatch(f"{where}: expected the feature space {describe(expected)}; found {describe(found)}")


def describe(space: FeatureSpace) -> str:
    """One phrase that tells two spaces apart."""
    parameters = ", ".join(f"{name} {value}" for name, value in space.parameters)
    return f"{space.name} ({parameters + ', ' if parameters else ''}fingerprint {space.fingerprint[:12]})"
