"""Devices that a simulation holds: what each trains on, and the catalogue that all of them have."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.data.sequences import Sequences
from client.rounds.device_workspace import DeviceCatalogue, DeviceWorkspace


@dataclass(frozen=True, eq=False, kw_only=True)
class HeldDevices:
    """U devices, by their numbers."""

    catalogue: DeviceCatalogue
    """as all of them have it"""
    histories: Sequences
    """what each may train on, in the order of time: U lists"""

    def events(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """[k] how many events each of these devices may train on."""
        offsets = self.histories.offsets
        return np.asarray(offsets[numbers + 1] - offsets[numbers], np.int64)

    def workspaces(self, numbers: NDArray[np.int64]) -> list[DeviceWorkspace]:
        """Devices opened for a task, in the order of their numbers given."""
        items, offsets = self.histories.items, self.histories.offsets
        return [
            DeviceWorkspace(catalogue=self.catalogue, history=items[offsets[number] : offsets[number + 1]])
            for number in numbers.tolist()
        ]

    def work(self, steps: int, event_seconds: float, longest: int) -> NDArray[np.float64]:
        """What a round takes each device.

        Args:
            steps: on all of a device's events.
            event_seconds: what a step on one event takes the median device.
            longest: most events that are looked at.

        Returns:
            [U] seconds of the median device.
        """
        return steps * event_seconds * np.minimum(self.histories.lengths(), longest)
