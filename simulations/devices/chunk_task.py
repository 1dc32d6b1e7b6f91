"""What a worker opens once of a task for devices, and asks again for each chunk of them."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from flwr.app import ArrayRecord, RecordDict
from numpy.typing import NDArray

from client.app import CohortAnswers
from client.guard.device_policy import DevicePolicy
from client.rounds.device_vectors import CohortSum, CohortVectors
from client.rounds.device_workspace import DeviceCatalogue, DeviceWorkspace
from shared.errors import ConfigError
from shared.federation.messages import TrainTask
from shared.federation.sum_messages import SumWork
from shared.federation.wire import decode_sum_task, decode_train_task
from shared.federation.wire_records import SUM

POLICY = DevicePolicy()
"""of devices whose updates are summed"""


class ChunkTask(Protocol):
    """A task that is opened."""

    def chunks(self, events: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Rows of devices that are worked on at once, by how many events each has [K]; all devices are in one."""
        ...

    def contents(self, devices: Sequence[DeviceWorkspace]) -> Iterator[RecordDict]:
        """What comes of a chunk, in records."""
        ...


def sent_task(content: RecordDict) -> TrainTask:
    """What devices are to train.

    Args:
        content: of a training task, or of a sum of what training changes.

    Returns:
        The task.

    Raises:
        GraftError: if it cannot be read, or asks for what devices do not give.
    """
    if SUM not in content:
        return decode_train_task(content)
    return sent_work(content).train_task


def sent_work(content: RecordDict) -> SumWork:
    """What devices are to give to a sum; raises GraftError where that is unreadable, or not what they give."""
    task = decode_sum_task(content)
    POLICY.require_within_bounds(task.facts)
    if task.work is None or "train" not in task.work.parts or task.work.noise:
        raise ConfigError("devices of a simulation sum what training changes, without noise; found other work")
    return task.work


def opened_task(content: RecordDict, catalogue: DeviceCatalogue) -> ChunkTask:
    """Open a task in records.

    Args:
        content: of a training task, or of a sum of what training changes.
        catalogue: as the devices have it.

    Returns:
        The task; of a sum the chunk's sum comes, else an answer of each device.

    Raises:
        GraftError: if the task cannot be read, or lies beyond what a device does.
    """
    return SummedChunks(content, catalogue) if SUM in content else CohortAnswers(content, catalogue)


class SummedChunks:
    """The sum of a chunk's updates, as the coordinator of a secure sum would learn it of a cohort that is that chunk.

    Args:
        content: the task in records.
        catalogue: as the devices have it.

    Raises:
        GraftError: if the task cannot be read, or asks for what devices do not give.
    """

    def __init__(self, content: RecordDict, catalogue: DeviceCatalogue) -> None:
        self._vectors = CohortVectors(sent_work(content), catalogue)

    def chunks(self, events: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """As of ``ChunkTask``."""
        return self._vectors.chunks(events)

    def contents(self, devices: Sequence[DeviceWorkspace]) -> Iterator[RecordDict]:
        """One for all devices of the chunk."""
        total = self._vectors.total(devices)
        yield RecordDict({SUM: ArrayRecord([total.numbers, total.rows])})


def read_sum(content: RecordDict) -> CohortSum:
    """The inverse of what ``SummedChunks.contents`` yields."""
    record = content.array_records[SUM]
    numbers, rows = (array.numpy() for array in record.values())
    return CohortSum(numbers=numbers, rows=rows)
