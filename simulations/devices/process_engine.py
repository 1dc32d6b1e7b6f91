"""Devices trained by several processes of this machine."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, forkserver, get_context
from pathlib import Path
from uuid import uuid4

import numpy as np
from flwr.app import RecordDict
from numpy.typing import NDArray

from simulations.devices.chunk_queue import done_chunks
from simulations.devices.chunk_worker import WORKER
from simulations.devices.cohort_answer import DoneChunk
from simulations.devices.device_files import mapped_devices
from simulations.devices.portable_content import portable
from simulations.run.termination import termination_ignored
from simulations.run.workers import main_set_aside, set_worker_up

Answered = Future[list[RecordDict]]


class ProcessEngine:
    """Processes of one thread each; where one of them ends, all are started anew.

    Args:
        place: the folder of the devices' files.
        workers: how many processes.
    """

    def __init__(self, place: Path, workers: int) -> None:
        self._place, self._workers = place, workers
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(["simulations.devices.chunk_worker", "client.rounds.device_tasks"])
        with termination_ignored():
            forkserver.ensure_running()
        self._others = set(active_children())
        self._pool = self._started()

    def work(self, content: RecordDict, chunks: Sequence[NDArray[np.int64]]) -> Iterator[DoneChunk]:
        """As of ``ChunkWork``.

        Args:
            content: as of ``ChunkWork``.
            chunks: the same.

        Yields:
            Each chunk as it is done.

        Raises:
            GraftError: if processes end again and again.
        """
        name, sent = uuid4().hex, portable(content)
        return done_chunks(lambda numbers: self._submitted(name, sent, numbers), chunks, 2 * self._workers)

    def close(self) -> None:
        """End the processes, what they work on too."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in set(active_children()) - self._others:
            process.kill()

    def _submitted(self, name: str, content: RecordDict, numbers: NDArray[np.int64]) -> Answered:
        with main_set_aside():
            try:
                return self._pool.submit(_answered, self._place, name, content, numbers)
            except BrokenProcessPool:
                self._pool = self._started()
                return self._pool.submit(_answered, self._place, name, content, numbers)

    def _started(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._workers, mp_context=self._context, initializer=set_worker_up)


def _answered(place: Path, name: str, content: RecordDict, numbers: NDArray[np.int64]) -> list[RecordDict]:
    devices = WORKER.held(place.name, lambda: mapped_devices(place))
    return [portable(answer) for answer in WORKER.answered(devices, name, lambda: content, numbers)]
