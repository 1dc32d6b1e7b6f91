"""A platform opened for the tasks of rounds: its data, its vectors and its head store."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from client.data.data_moment import DataMoment
from client.data.folder_options import DataSettings, SharedPreparation
from client.data.platform import MIN_TO_CONTRIBUTE, Platform
from client.data.spec import parse_platform_spec
from client.features.kept_vectors import CatalogueVectors, KeptVectors
from client.guard.device_policy import DevicePolicy
from client.guard.site_policy import FIRST_USE, NewParties, SitePolicy
from client.privacy.accounts import machine_place
from client.rounds.own_draws import own_seed
from client.store.head_store import HeadStore, open_heads, open_records
from client.store.records import Records
from shared.errors import ConfigError
from shared.feature_space import FeatureSpace
from shared.privacy.gaussian_draws import Draw
from shared.privacy.promise import Promise
from shared.seeding import rng_for, seed_for
from shared.system.device import CPU, Device, used_device

if TYPE_CHECKING:
    from client.features.prepared_platform import PreparedPlatform


PLATFORM, DEVICE = HOLDERS = ("platform", "device")


@dataclass(frozen=True, kw_only=True)
class NodeSettings(DataSettings):
    """What a platform's node config says; it never comes from the server."""

    platform: str
    """NAME=DIR[,option=value...] as client/data/spec.py reads it"""
    heads: str
    """folder of the head store"""
    vault_key: str = ""
    """what opens the vault in that folder, KIND:WHERE as client/store/keyring.py reads it; empty: plain files"""
    policy: str = ""
    """the site policy, a TOML file; empty: the default one"""
    ledger: str = ""
    """where every answer that leaves is written down first; empty keeps no ledger"""
    coordinator: str = ""
    """PEM file of the coordinator's certificate and of the key that signs its tasks; without a key none is checked"""
    holder: str = PLATFORM
    """whose data these are: ``platform``, or ``device``, whose folder stands where a platform's does"""

    @property
    def policy_kind(self) -> type[SitePolicy]:
        """Of a platform, or of a device."""
        return DevicePolicy if self.holder == DEVICE else SitePolicy

    @property
    def name(self) -> str:
        """The platform's, as it is enrolled."""
        return self.platform.partition("=")[0]

    @classmethod
    def from_node_config(cls, config: Mapping[str, Any]) -> "NodeSettings":
        """Read the settings of the platform's app.

        Args:
            config: as the engine hands it over; names with hyphens.

        Returns:
            the settings.

        Raises:
            ConfigError: if a key is missing, unknown or ill-typed.
        """
        values = {name.replace("-", "_"): value for name, value in config.items()}
        kinds = {item.name: int if item.type is int else str for item in fields(cls)}
        unknown, missing = sorted(set(values) - set(kinds)), sorted({"platform", "heads"} - set(values))
        if unknown or missing:
            raise ConfigError(f"the node config has the unknown keys {unknown} and lacks {missing}")
        for name, value in values.items():
            if type(value) is not kinds[name]:
                raise ConfigError(f"{name} in the node config must be a {kinds[name].__name__}")
        settings = cls(**values)
        if settings.holder not in HOLDERS:
            raise ConfigError(f"holder in the node config must be one of {', '.join(HOLDERS)}; got {settings.holder!r}")
        return settings

    def to_node_config(self) -> dict[str, str | int]:
        """The inverse of ``from_node_config``."""
        return {item.name.replace("_", "-"): getattr(self, item.name) for item in fields(self)}


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """What the client's tasks work on; the platform's data are opened by the first that looks at them.

    Most steps of a secure sum do not, and what reads data takes most of such a step's time.
    """

    name: str
    """of the platform"""
    open_data: Callable[[], Any]
    """gives its prepared data and vectors; raises ConfigError, DataError or StorageError where they cannot be opened"""
    heads: HeadStore
    minimum_users: int = MIN_TO_CONTRIBUTE
    """training users below which the site policy lets nothing be told about them"""
    least_parties: int = 3
    """platforms below which the site policy takes part in no secure sum"""
    parties: NewParties = FIRST_USE
    """how the site policy takes platforms to sum with where none is known yet"""
    tells_validation: bool = True
    """whether the site policy lets be told what an encoder is worth here"""
    promise: Promise = field(default_factory=Promise)
    """to each user, of the site policy"""
    is_private: bool = False
    """whether nothing of its users leaves but under the noise of the promise"""
    colluding: int = 1
    """other platforms against which the noise of a sum is to hold, of the site policy"""
    machine: Path | None = None
    """where this machine keeps account of what the data's users have spent of it; None: nowhere but in the heads"""
    noise_seed: int | None = None
    """from which a simulation draws noise; None: it comes from the system's cryptographic source"""
    own_draws: bool = False
    """whether batches and samples derive from the platform's own secret; else from the run's seed, as in simulations"""

    @classmethod
    def on(cls, prepared: "PreparedPlatform", heads: HeadStore, **further: Any) -> Self:
        """A workspace on data that are open already.

        Args:
            prepared: the platform with its vectors.
            heads: the platform's head store.
            **further: further fields of the workspace, by name.

        Returns:
            the workspace.
        """
        return cls(name=prepared.platform.name, open_data=lambda: prepared, heads=heads, **further)

    @cached_property
    def prepared(self) -> "PreparedPlatform":
        """The platform's data and vectors."""
        prepared: PreparedPlatform = self.open_data()
        return prepared

    def seed(self, seed: int, *names: str | int) -> int:
        """A seed for one purpose of a task.

        Args:
            seed: of the task.
            *names: the purpose.

        Returns:
            a number, from the platform's own secret too or, in simulations, from its name.

        Raises:
            StorageError: if the secret cannot be read or written.
        """
        return own_seed(self.heads, seed, *names) if self.own_draws else seed_for(seed, self.name, *names)

    @property
    def platform(self) -> Platform:
        """The platform's users, items and events."""
        return self.prepared.platform

    @property
    def users(self) -> int:
        """How many training users stand behind an answer."""
        return len(self.platform.training_users)

    @property
    def n_items(self) -> int:
        """n, of its catalogue."""
        return self.platform.n_items

    @property
    def space(self) -> FeatureSpace:
        """Which vectors its items have."""
        return self.prepared.space

    @property
    def features(self) -> NDArray[np.float32]:
        """[n, D]."""
        return self.prepared.features

    def draw(self, *names: str | int) -> Draw:
        """Where the noise of one answer comes from.

        Args:
            *names: the answer; used in simulations alone.

        Returns:
            gives random bytes: of the system's cryptographic source, or of a simulation's seed.
        """
        if self.noise_seed is None:
            return os.urandom
        return rng_for(self.noise_seed, self.name, "noise", *names).bytes

    @property
    def contributes(self) -> bool:
        """False where the platform receives only."""
        return self.platform.contributes and len(self.platform.training_users) >= self.minimum_users


OpenWorkspace = Callable[[NodeSettings, SitePolicy, DataMoment | None], Workspace]
"""Opens a node config's platform for a task, as ``open_workspace`` does."""

SQL_LOCK = ".sql.lock"


def by_policy(policy: SitePolicy) -> dict[str, Any]:
    """The fields of a workspace that its site policy says, by name."""
    return {
        "minimum_users": policy.minimum_users,
        "least_parties": policy.least_parties,
        "parties": policy.parties,
        "tells_validation": policy.tell_validation,
        "promise": policy,
        "is_private": policy.is_private,
        "colluding": policy.colluding_platforms,
    }


def open_workspace(
    settings: NodeSettings, policy: SitePolicy | None = None, moment: DataMoment | None = None
) -> Workspace:
    """The platform and its heads; a folder's data and vectors are read once per process.

    Data are opened by who first looks at them.

    Args:
        settings: of the platform's app.
        policy: what the operator lets leave; under a private one users are kept apart, and answers bear the noise that
            it promises them. None for the default one.
        moment: as of when data are wanted; what was read of a database is then kept beside the heads.
            None: the data are read as they lie, and nothing is kept.

    Returns:
        the workspace.

    Raises:
        ConfigError: if the settings are wrong or the vault's key cannot be had.
        StorageError: if the vault cannot be opened.
    """
    policy = policy or SitePolicy()
    records = open_records(Path(settings.heads), settings.vault_key)
    spec = parse_platform_spec(settings.platform)
    return Workspace(
        name=spec.name,
        open_data=lambda: _prepared(settings, records, moment, apart=policy.is_private),
        heads=HeadStore(records),
        **by_policy(policy),
        machine=machine_place(spec.path),
        own_draws=True,
    )


def already_open(prepared: "PreparedPlatform") -> OpenWorkspace:
    """Open this platform whatever a node config says of its data: for a process that has prepared it.

    Noise is drawn from the config's seed, so that a simulation can be repeated: its users are promised nothing.

    Args:
        prepared: the platform with its vectors.

    Returns:
        opens a workspace on it.
    """

    def opened(settings: NodeSettings, policy: SitePolicy, _moment: DataMoment | None) -> Workspace:
        heads = open_heads(Path(settings.heads), settings.vault_key)
        return Workspace.on(
            prepared,
            heads,
            **by_policy(policy),
            noise_seed=settings.seed,
        )

    return opened


def _prepared(
    settings: NodeSettings, records: Records, moment: DataMoment | None, *, apart: bool
) -> "PreparedPlatform":
    """What was reported while the platform served counts too, where the data are wanted for a task."""
    from client.data.source import is_database, read_kept_data, read_platform_data
    from client.features.prepared_platform import prepare_platform
    from client.serving.reported_events import reports_as_of

    device = used_device(settings.device)
    spec = parse_platform_spec(settings.platform)
    shared = SharedPreparation.of(settings)
    heads = Path(settings.heads)
    vectors = CatalogueVectors(settings.heads, HeadStore(records))
    reports = reports_as_of(heads, records, moment, sealed=bool(settings.vault_key)) if moment else None
    if moment is None or (reports is None and not is_database(spec.path)):
        return open_data(settings.platform, settings.seed, vectors, settings.features, shared, apart, device)
    time_meaning = spec.said_of_times
    if is_database(spec.path):
        folder = read_kept_data(spec.path, records, heads / SQL_LOCK, moment, time_meaning)
    else:
        folder = read_platform_data(spec.path, time_meaning)
    whole = folder if reports is None else reports.added_to(folder)
    return prepare_platform(
        whole,
        spec.preparation(shared),
        name=spec.name,
        seed=settings.seed,
        features=settings.features,
        cached_vectors=vectors,
        apart=apart,
        device=device,
    )


@lru_cache(maxsize=64)
def open_data(
    line: str,
    seed: int,
    cached_vectors: KeptVectors | None,
    features: str,
    shared: SharedPreparation,
    apart: bool = False,
    device: Device = CPU,
) -> "PreparedPlatform":
    """The platform of a specification, read once per process.

    Args:
        line: the specification, NAME=DIR[,option=value...].
        seed: from which users, items and orders are drawn.
        cached_vectors: keeps vectors of texts that were read before; None: all are read.
        features: name of the feature space.
        shared: options that count for all platforms, where the line does not say otherwise.
        apart: whether no user may decide about another one's events.
        device: as of ``prepare_platform``.

    Returns:
        the platform with its vectors.

    Raises:
        ConfigError: if the specification is wrong.
        DataError: if the data cannot be read or break the data contract.
    """
    from client.data.source import read_platform_data
    from client.features.prepared_platform import prepare_platform

    spec = parse_platform_spec(line)
    preparation = spec.preparation(shared)
    folder = read_platform_data(spec.path, spec.said_of_times)
    return prepare_platform(
        folder,
        preparation,
        name=spec.name,
        seed=seed,
        features=features,
        cached_vectors=cached_vectors,
        apart=apart,
        device=device,
    )
