"""How a platform's data are prepared and seen: the same words in a settings file, a node config and every command."""

from dataclasses import dataclass

from client.data.event_minima import EventMinima
from shared.system.options import Seeded, option

FEATURE_SPACES = "hashing[:DIM], precomputed[:LABEL] or sentence-transformers:MODEL"
"""The feature spaces, as they are written."""


@dataclass(frozen=True, kw_only=True)
class DataSettings(EventMinima, Seeded):
    """What all who compute on a platform's data must agree on."""

    features: str = option("hashing", help=f"Feature space: {FEATURE_SPACES}.")
