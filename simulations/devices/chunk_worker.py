"""What a worker does for a chunk of devices; what it has opened serves for the next one too."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from flwr.app import RecordDict
from numpy.typing import NDArray

from simulations.devices.chunk_task import ChunkTask, opened_task
from simulations.devices.held_devices import HeldDevices
from simulations.federation.in_process_grid import task_identity
from simulations.run.workers import threads


@dataclass(eq=False)
class ChunkWorker:
    """A process that trains devices of one run."""

    devices_name: str = ""
    devices: HeldDevices | None = None
    task_name: str = ""
    task: ChunkTask | None = None

    def held(self, name: str, open_devices: Callable[[], HeldDevices]) -> HeldDevices:
        """The devices of a run.

        Args:
            name: of the run's devices; no other run's have it.
            open_devices: opens them, where they are not those of before.

        Returns:
            The devices.
        """
        if self.devices is None or self.devices_name != name:
            self.devices_name, self.devices = name, open_devices()
            self.task = None
        return self.devices

    def answered(
        self, devices: HeldDevices, name: str, read_task: Callable[[], RecordDict], numbers: NDArray[np.int64]
    ) -> list[RecordDict]:
        """The answers of a chunk.

        Args:
            devices: that the worker holds.
            name: of the task; no other has it.
            read_task: gives its records, where it is not that of before.
            numbers: of the chunk's devices.

        Returns:
            For each of them its answer in records; of a sum the chunk's alone.

        Raises:
            GraftError: if the task cannot be read, or lies beyond what a device does.
        """
        with threads(1), task_identity():
            if self.task is None or self.task_name != name:
                self.task_name, self.task = name, opened_task(read_task(), devices.catalogue)
            return list(self.task.contents(devices.workspaces(numbers)))


WORKER = ChunkWorker()
"""of this process"""
