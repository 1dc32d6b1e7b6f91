"""The answers of a cohort, put together of chunks that somebody works on."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from flwr.app import Message, RecordDict
from numpy.typing import NDArray

from client.app import CohortAnswers
from simulations.devices.device_grid import Answer
from simulations.devices.held_devices import HeldDevices
from simulations.run.workers import threads

Devices = NDArray[np.int64]
DoneChunk = tuple[int, Sequence[RecordDict]]
"""Which chunk, and the answers of its devices, in their order."""
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
        chunks = CohortAnswers(content, devices.catalogue).chunks(devices.events(numbers))
        contents: dict[int, RecordDict] = {}
        for place, answered in work(content, [numbers[rows] for rows in chunks]):
            contents.update(zip(chunks[place].tolist(), answered, strict=True))
        for row, message in enumerate(messages):
            yield Message(contents.pop(row), reply_to=message)

    return answers


def answers_here(devices: HeldDevices) -> Answer:
    """Have devices answer in this process."""
    return answers_by(devices, work_here(devices))


def work_here(devices: HeldDevices) -> ChunkWork:
    """Train devices in this process, with one thread, as every worker does."""

    def work(content: RecordDict, chunks: Sequence[Devices]) -> Iterator[DoneChunk]:
        task = CohortAnswers(content, devices.catalogue)
        with threads(1):
            for place, numbers in enumerate(chunks):
                yield place, list(task.contents(devices.workspaces(numbers)))

    return work
