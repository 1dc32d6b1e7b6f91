"""A feature space: the identity of the map from an item's text, image or audio to its vector.

Its fingerprint is a digest that differs as soon as one vector would.
"""

import hashlib
import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.errors import FeatureSpaceMismatch


@dataclass(frozen=True, kw_only=True)
class FeatureSpace:
    """Two platforms may share an encoder only if their feature spaces have the same fingerprint."""

    name: str
    """``hashing``, ``precomputed``, ..."""
    parameters: tuple[tuple[str, str | int | float | bool], ...]
    """(name, value) pairs in a fixed order"""
    dim: int
    """D, the length of an item's vector"""
    fingerprint: str
    """hex digest of name, parameters and the vectors of a fixed probe list"""


PROBE_TEXTS = (
    "wireless gaming headset with microphone for pc and console",
    "The Lord of the Rings: The Fellowship of the Ring (2001) adventure fantasy",
    "white hanging heart t-light holder",
    "organic shampoo for dry hair, 500 ml",
    "Senate passes budget bill after late night vote politics",
    "stainless steel hex bolts M8 x 40, pack of 50",
    "wooden train set for children aged 3 and up",
    "yoga mat non slip 6 mm with carrying strap",
    "$50 gift card in a greeting box",
    "Röyksopp & Sigur Rós",
    "日本語のニュース 経済",
    "x",
)


Parameters = tuple[tuple[str, str | int | float | bool], ...]


def fingerprinted(name: str, parameters: Parameters, probe_vectors: NDArray[np.float32]) -> FeatureSpace:
    """The feature space whose fingerprint covers name, parameters and the probe list's vectors.

    Vectors enter rounded to three digits, so that two machines' last bits cannot part one space in two.

    Args:
        name: of the space.
        parameters: (name, value) pairs in a fixed order.
        probe_vectors: [P, D] of a fixed list of P probes.

    Returns:
        The feature space, of dim D; its fingerprint has 32 hexadecimal digits.
    """
    digest = hashlib.sha256(json.dumps([name, parameters]).encode("utf-8"))
    digest.update((np.round(probe_vectors, 3) + 0.0).astype("<f4").tobytes())
    return FeatureSpace(
        name=name, parameters=parameters, dim=probe_vectors.shape[1], fingerprint=digest.hexdigest()[:32]
    )


def require_same(expected: FeatureSpace, actual: FeatureSpace, *, where: str) -> None:
    """Check that two feature spaces are the same, by their fingerprints.

    Args:
        expected: the space that is needed.
        actual: the space that was found.
        where: what has the space that was found, such as a platform's name; the error begins with it.

    Raises:
        FeatureSpaceMismatch: if they differ; the error names both spaces.
    """
    if expected.fingerprint != actual.fingerprint:
        raise FeatureSpaceMismatch(
            f"{where}: expected the feature space {describe(expected)}; found {describe(actual)}"
        )


def describe(space: FeatureSpace) -> str:
    """One phrase that tells two spaces apart."""
    parameters = ", ".join(f"{name} {value}" for name, value in space.parameters)
    return f"{space.name} ({parameters + ', ' if parameters else ''}fingerprint {space.fingerprint[:12]})"
