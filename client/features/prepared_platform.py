"""A platform ready to be worked on: its events prepared, its catalogue with vectors."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from client.data.contract import PlatformFolder
from client.data.folder_options import Preparation
from client.data.platform import Platform
from client.data.preparation import prepare
from client.data.source import platform_name, read_platform_data
from client.features.catalogue import Catalogue
from client.features.item_features import item_features
from client.features.kept_vectors import KeptVectors
from shared.feature_space import FeatureSpace


@dataclass(frozen=True, eq=False, kw_only=True)
class PreparedPlatform:
    """What every method, task and command starts from."""

    platform: Platform
    space: FeatureSpace
    """of the catalogue's vectors"""
    catalogue: Catalogue

    @property
    def name(self) -> str:
        """The platform's."""
        return self.platform.name

    @property
    def features(self) -> NDArray[np.float32]:
        """[n, D] the catalogue's vectors."""
        return self.catalogue.features


def prepare_platform(
    folder: PlatformFolder,
    preparation: Preparation,
    *,
    name: str,
    seed: int,
    features: str,
    kept: KeptVectors | None = None,
) -> PreparedPlatform:
    """Prepare what was read of a platform.

    Args:
        folder: its items and events.
        preparation: what is dropped and drawn.
        name: what the platform is called.
        seed: of the draws.
        features: the feature space as ``item_features`` takes it.
        kept: vectors that were made before.

    Raises DataError or ConfigError for bad input.
    """
    platform = prepare(folder, preparation, name=name, seed=seed)
    space, vectors = item_features(platform, features, kept=kept)
    return PreparedPlatform(platform=platform, space=space, catalogue=Catalogue(features=vectors))


def open_platform(path: Path, preparation: Preparation, *, seed: int, features: str) -> PreparedPlatform:
    """Read a platform folder or database and prepare it, called after itself; raises InputError."""
    data = read_platform_data(path)
    return prepare_platform(data, preparation, name=platform_name(path), seed=seed, features=features)
