"""A platform as a run works on it: prepared, with vectors and, where it predicts clicks, impressions."""

from dataclasses import dataclass

from client.data.platform import Platform
from client.ensemble.cross_fitting import Catalogue
from client.rounds.workspace import OpenedData
from shared.feature_space.spec import FeatureSpace
from simulations.platforms.open_impressions import OpenImpressions


@dataclass(frozen=True, kw_only=True)
class OpenPlatform:
    """A platform with its vectors and their neighbours."""

    data: OpenedData
    catalogue: Catalogue
    impressions: OpenImpressions | None = None
    """where the run predicts clicks of it"""

    @property
    def platform(self) -> Platform:
        """What was prepared."""
        return self.data.platform

    @property
    def space(self) -> FeatureSpace:
        """Which vectors it has."""
        return self.data.space
