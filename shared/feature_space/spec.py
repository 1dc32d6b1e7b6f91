"""A feature space: the identity of the map from an item's text, image or audio to its vector."""

from dataclasses import dataclass


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
