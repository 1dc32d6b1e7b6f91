"""A platform split by user: each of its training users becomes a device."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from client.data.platform import training_sequences
from client.data.sequences import Sequences
from client.features.prepared_platform import PreparedPlatform
from client.rounds.device_workspace import DeviceCatalogue
from simulations.devices.held_devices import HeldDevices

UNSEEN = 0.5
"""users that an item counts for beside those who had it"""


@dataclass(frozen=True, eq=False, kw_only=True)
class DevicePlatform:
    """U devices with the platform's catalogue; device u is the platform's training user u."""

    prepared: PreparedPlatform

    @cached_property
    def catalogue(self) -> DeviceCatalogue:
        """As all of them have it."""
        return DeviceCatalogue(space=self.prepared.space, features=self.prepared.features)

    @cached_property
    def histories(self) -> Sequences:
        """What each may train on, in the order of time."""
        return training_sequences(self.prepared.platform, self.prepared.platform.training_users)

    @property
    def first_events(self) -> NDArray[np.float64] | None:
        """[U] virtual time of each device's first event, from the earliest of all on; None without a clock."""
        if self.histories.times is None:
            return None
        times = np.where(np.isnan(self.histories.times), np.inf, self.histories.times)
        first = np.full(len(self.histories), np.inf)
        np.minimum.at(first, self.histories.owners(), times)
        earliest = float(first.min())
        return np.where(np.isinf(first), 0.0, first - earliest)

    @cached_property
    def prior(self) -> NDArray[np.float32]:
        """[n] log-popularity by the sum of what devices tell: one for each item that a device's user had."""
        owners, items = self.histories.owners(), self.histories.items
        once = np.unique(owners * self.prepared.platform.n_items + items) % self.prepared.platform.n_items
        counts = np.bincount(once, minlength=self.prepared.platform.n_items) + UNSEEN
        return np.asarray(np.log(counts / counts.mean()), np.float32)

    @cached_property
    def held(self) -> HeldDevices:
        """The devices."""
        return HeldDevices(catalogue=self.catalogue, histories=self.histories)
