"""The answers of a cohort, put together of chunks that somebody works on."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from flwr.app import Message, RecordDict
from numpy.typing import NDArray

from simulations.devices.chunk_task import opened_task
from simulations.devices.device_grid import Answer
from simulations.devices.held_devices import HeldDevices
from simulations.run.workers import threads

Devices = NDArray[np.int64]
DoneChunk = tuple[int, Sequence[RecordDict]]
"""Which chunk, and the answers of its devices, in their order, or its sum alone."""
ChunkWork = Callable[[RecordDict, Sequence[Devices]], Iterable[DoneChunk]]
"""Works a task out for chunks of devices, given by their numbers, and gives each as it is done, in any order."""


def answers_by(devices: HeldDevices, work: ChunkWork) -> Answer:
    """Have devices answer.

    Args:
        devices: what they hold.
        work: trains them.

    Returns:
        What gives the replies to a cohort's messages, in their order; the same bytes by whomever the work is done.
    """

    def answers(messages: Sequence[Message], numbers: Devices) -> Iterator[Message]:
        content = messages[0].content
        chunks = task_chunks(content, devices, numbers)
        contents: dict[int, RecordDict] = {}
        for place, answered in work(content, [numbers[rows] for rows in chunks]):
            contents.update(zip(chunks[place].tolist(), answered, strict=True))
        for row, message in enumerate(messages):
            yield Message(contents.pop(row), reply_to=message)

    return answers


def task_chunks(content: RecordDict, devices: HeldDevices, numbers: Devices) -> list[NDArray[np.int64]]:
    """How devices are cut for a task.

    Args:
        content: the task in records.
        devices: what they hold.
        numbers: [K] of those that work on it.

    Returns:
        Rows of ``numbers``, chunk by chunk; each is in one.

    Raises:
        GraftError: if the task cannot be read, or lies beyond what a device does.
    """
    return opened_task(content, devices.catalogue).chunks(devices.events(numbers))


def work_here(devices: HeldDevices) -> ChunkWork:
    """Train devices in this process, with one thread, as every worker does."""

    def work(content: RecordDict, chunks: Sequence[Devices]) -> Iterator[DoneChunk]:
        task = opened_task(content, devices.catalogue)
        with threads(1):
            for place, numbers in enumerate(chunks):
                yield place, list(task.contents(devices.workspaces(numbers)))

    return work
