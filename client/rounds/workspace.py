"""A platform opened once per process: its data, its vectors and its head store."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.data.contract import PlatformFolder
from client.data.data_moment import DataMoment
from client.data.folder_options import Preparation
from client.data.platform import MIN_CONTRIBUTING, Platform
from client.data.preparation import prepare
from client.data.source import is_database, read_kept_data, read_platform_data
from client.data.spec import PlatformSpec, parse_platform_spec
from client.features.catalogue_vectors import CatalogueVectors
from client.features.data_settings import DataSettings
from client.features.item_features import item_features
from client.features.kept_vectors import KeptVectors
from client.serving.round_reports import reports_as_of
from client.store.head_store import HeadStore, open_records
from client.store.records import Records
from shared.errors import ConfigError
from shared.feature_space.spec import FeatureSpace


@dataclass(frozen=True, kw_only=True)
class NodeSettings(DataSettings):
    """What a platform's node config says; it never comes from the server."""

    platform: str
    """NAME=DIR[,option=value...] as client/data/spec.py reads it"""
    heads: str
    """folder of the head store"""
    vault_key: str = ""
    """what opens the vault in that folder, KIND:WHERE as client/store/key_source.py reads it; empty: plain files"""
    policy: str = ""
    """the site policy, a TOML file; empty: the default one"""
    ledger: str = ""
    """where every answer that leaves is written down first; empty keeps no ledger"""

    @classmethod
    def from_node_config(cls, config: Mapping[str, Any]) -> "NodeSettings":
        """Raises ConfigError for a missing, unknown or ill-typed key."""
        given = {name.replace("-", "_"): value for name, value in config.items()}
        kinds = {item.name: int if item.type is int else str for item in fields(cls)}
        unknown, missing = sorted(set(given) - set(kinds)), sorted({"platform", "heads"} - set(given))
        if unknown or missing:
            raise ConfigError(f"the node config has the unknown keys {unknown} and lacks {missing}")
        for name, value in given.items():
            if type(value) is not kinds[name]:
                raise ConfigError(f"{name} in the node config must be a {kinds[name].__name__}")
        return cls(**given)

    def to_node_config(self) -> dict[str, str | int]:
        """The inverse of ``from_node_config``."""
        return {item.name.replace("_", "-"): getattr(self, item.name) for item in fields(self)}


@dataclass(frozen=True, kw_only=True)
class OpenedData:
    """A platform with its vectors."""

    platform: Platform
    space: FeatureSpace
    features: NDArray[np.float32]
    """[n, D]"""


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """What the client's tasks work on."""

    platform: Platform
    space: FeatureSpace
    features: NDArray[np.float32]
    """[n, D]"""
    heads: HeadStore
    minimum_users: int = MIN_CONTRIBUTING
    """training users below which the site policy lets nothing be told about them"""

    @property
    def contributes(self) -> bool:
        """False where the platform receives only."""
        return self.platform.contributes and len(self.platform.training_users) >= self.minimum_users


SQL_LOCK = ".sql.lock"
_HELD: dict[str, OpenedData] = {}


@contextmanager
def held_open(data: Mapping[str, OpenedData]) -> Iterator[None]:
    """While it lasts, node configs whose ``platform`` is a key get this data instead of reading a folder.

    For one process that plays several platforms and has prepared them already.
    """
    _HELD.update(data)
    try:
        yield
    finally:
        for line in data:
            _HELD.pop(line, None)


def open_workspace(
    settings: NodeSettings, *, minimum_users: int = MIN_CONTRIBUTING, moment: DataMoment | None = None
) -> Workspace:
    """The platform and its heads; a folder's data and vectors are read once per process.

    ``minimum_users`` is the site policy's. With a ``moment``, what was read of a database is kept beside the heads.

    Raises ConfigError or DataError where they cannot be opened, StorageError where what is kept cannot.
    """
    records = open_records(Path(settings.heads), settings.vault_key)
    heads = HeadStore(records)
    data = _HELD.get(settings.platform) or _opened(settings, records, moment)
    return Workspace(
        platform=data.platform,
        space=data.space,
        features=data.features,
        heads=heads,
        minimum_users=minimum_users,
    )


def _opened(settings: NodeSettings, records: Records, moment: DataMoment | None) -> OpenedData:
    """What was reported while the platform served counts too, where the data are wanted for a task."""
    spec = parse_platform_spec(settings.platform)
    least = (settings.min_user_events, settings.min_item_events)
    heads = Path(settings.heads)
    vectors = CatalogueVectors(settings.heads, HeadStore(records))
    reports = reports_as_of(heads, records, moment, sealed=bool(settings.vault_key)) if moment else None
    if moment is None or (reports is None and not is_database(spec.path)):
        return open_data(settings.platform, settings.seed, vectors, settings.features, *least)
    kept = is_database(spec.path)
    folder = read_kept_data(spec.path, records, heads / SQL_LOCK, moment) if kept else read_platform_data(spec.path)
    whole = folder if reports is None else reports.added_to(folder)
    return _prepared(whole, spec, spec.preparation(*least), settings.seed, settings.features, vectors)


@lru_cache(maxsize=64)
def open_data(
    line: str, seed: int, kept: KeptVectors | None, features: str, min_user_events: int, min_item_events: int
) -> OpenedData:
    """A platform specification's data and vectors, read once per process; raises ConfigError or DataError."""
    spec = parse_platform_spec(line)
    preparation = spec.preparation(min_user_events, min_item_events)
    return _prepared(read_platform_data(spec.path), spec, preparation, seed, features, kept)


def _prepared(
    folder: PlatformFolder,
    spec: PlatformSpec,
    preparation: Preparation,
    seed: int,
    features: str,
    kept: KeptVectors | None,
) -> OpenedData:
    platform = prepare(folder, preparation, name=spec.name, seed=seed)
    space, vectors = item_features(platform, features, kept=kept)
    return OpenedData(platform=platform, space=space, features=vectors)
