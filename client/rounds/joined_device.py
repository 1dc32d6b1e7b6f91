"""A device opened for the tasks of rounds: its platform's pack and its user's events, from the device's folder."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from client.data.data_moment import DataMoment
from client.data.spec import parse_platform_spec
from client.device.home import DeviceHome
from client.device.opened_device import own_pack
from client.device.own_records import OwnRecords, history_of
from client.device.pack import CataloguePack
from client.guard.site_policy import SitePolicy
from client.privacy.accounts import machine_place
from client.rounds.device_workspace import DeviceCatalogue, DeviceWorkspace
from client.rounds.own_draws import own_seed
from client.rounds.workspace import DEVICE, NodeSettings, Workspace, by_policy, open_workspace
from client.store.head_store import HeadStore, open_records
from client.store.records import Records
from shared.feature_space import FeatureSpace

LEAST_EVENTS = 2
"""of a history that can be trained on"""


@dataclass(frozen=True, kw_only=True)
class JoinedDevice(Workspace):
    """Its data are a ``DeviceWorkspace``."""

    @cached_property
    def device(self) -> DeviceWorkspace:
        """The device's catalogue and history."""
        device: DeviceWorkspace = self.open_data()
        return device

    @property
    def users(self) -> int:
        """One."""
        return self.device.users

    @property
    def n_items(self) -> int:
        """n, of the pack."""
        return self.device.n_items

    @property
    def space(self) -> FeatureSpace:
        """Which vectors the pack's items have."""
        return self.device.space

    @property
    def features(self) -> NDArray[np.float32]:
        """[n, D]."""
        return self.device.catalogue.features

    @property
    def contributes(self) -> bool:
        """False where there is too little to train on."""
        return len(self.device.history) >= LEAST_EVENTS


def open_holder(
    settings: NodeSettings, policy: SitePolicy | None = None, moment: DataMoment | None = None
) -> Workspace:
    """The platform or the device of a node config.

    Args:
        settings: of the app.
        policy: what may leave; None for the default one.
        moment: as of when a platform's data are wanted; a device has its history as it lies.

    Returns:
        the workspace.

    Raises:
        ConfigError: if the settings are wrong or the vault's key cannot be had.
        StorageError: if the vault cannot be opened.
    """
    if settings.holder != DEVICE:
        return open_workspace(settings, policy, moment)
    policy = policy or settings.policy_kind()
    home = DeviceHome(parse_platform_spec(settings.platform).path)
    records = open_records(Path(settings.heads), settings.vault_key)
    return JoinedDevice(
        name=settings.name,
        open_data=lambda: _opened(home, records),
        heads=HeadStore(records),
        **by_policy(policy),
        machine=machine_place(home.folder),
        own_draws=True,
    )


def _opened(home: DeviceHome, records: Records) -> DeviceWorkspace:
    own = OwnRecords(records)
    pack = own_pack(home, own)
    history = history_of(own.events(), pack).items.astype(np.int32)
    seed = own_seed(HeadStore(records), 0, "device")
    return DeviceWorkspace(catalogue=catalogue_of(pack), history=history, seed=seed)


def catalogue_of(pack: CataloguePack) -> DeviceCatalogue:
    """The items of a pack, their content vectors brought to length 1 again."""
    vectors = pack.arrays["item.vectors"].astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    name, fingerprint = str(pack.facts["features"]), str(pack.facts["fingerprint"])
    space = FeatureSpace(name=name, parameters=(), dim=vectors.shape[1], fingerprint=fingerprint)
    return DeviceCatalogue(space=space, features=vectors)
