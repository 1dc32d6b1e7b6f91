"""Devices trained by the workers of a Ray cluster.

A chunk is a task of Ray's: where its worker or its machine ends, Ray has it done again on another one.
"""

import logging
import os
import socket
import sys
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from flwr.app import RecordDict
from numpy.typing import NDArray

from client.rounds.device_workspace import DeviceCatalogue
from shared.errors import ConfigError, EngineError
from simulations.devices.chunk_queue import MOST_TRIES, done_chunks, worker_lost
from simulations.devices.chunk_worker import WORKER
from simulations.devices.cohort_answer import DoneChunk
from simulations.devices.device_files import mapped_devices
from simulations.devices.held_devices import HeldDevices


class RayEngine:
    """Workers of one thread each, on the machines of a cluster.

    Args:
        place: the folder of the devices' files; machines that lack it get the devices by Ray's object store.
        workers: how many chunks are worked on at once; 0: one for each core of the cluster.
        address: of the cluster; empty: one is started on this machine.

    Raises:
        ConfigError: if Ray is not installed.
        EngineError: if no cluster answers.
    """

    def __init__(self, place: Path, workers: int, address: str) -> None:
        try:
            import ray
        except ImportError:
            raise ConfigError("engine ray needs Ray: expected the extra graft[ray]; found it not installed") from None
        self._ray, self._place, self._workers = ray, place, workers
        self._copies: list[Any] = []
        paths = os.pathsep.join(path for path in sys.path if path)
        try:
            with warnings.catch_warnings(action="ignore"):  # of what later versions of Ray do
                ray.init(
                    address=address or "local",
                    num_cpus=None if address else workers or None,
                    include_dashboard=None if address else False,
                    runtime_env={"env_vars": {"PYTHONPATH": paths}},
                    logging_level=logging.ERROR,
                    log_to_driver=False,
                )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise EngineError(f"{address or 'this machine'}: no Ray cluster answers: {error}") from error
        self._task = ray.remote(num_cpus=1, max_retries=MOST_TRIES)(_answered)

    def work(self, content: RecordDict, chunks: Sequence[NDArray[np.int64]]) -> Iterator[DoneChunk]:
        """As of ``ChunkWork``.

        Args:
            content: as of ``ChunkWork``.
            chunks: the same.

        Yields:
            Each chunk as it is done.

        Raises:
            GraftError: if workers end again and again.
        """
        errors = self._ray.exceptions
        name, task, copies = uuid4().hex, [self._ray.put(content)], self._copies_elsewhere()

        def submitted(numbers: NDArray[np.int64]) -> "Future[list[RecordDict]]":
            future: Future[list[RecordDict]] = self._task.remote(self._place, copies, name, task, numbers).future()
            return future

        try:
            yield from done_chunks(submitted, chunks, self._workers or self._cores())
        except errors.RayTaskError as error:
            raise error.cause from None
        except errors.RayError:
            raise worker_lost() from None

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        self._ray.shutdown()

    def _cores(self) -> int:
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def _copies_elsewhere(self) -> list[Any]:
        """What machines open that lack the files: a reference, as soon as there is such a machine."""
        names = {node["NodeManagerHostname"] for node in self._ray.nodes() if node["Alive"]}
        if not self._copies and names - {socket.gethostname()}:
            self._copies.append(self._ray.put(mapped_devices(self._place)))
        return self._copies


def _answered(
    place: Path, copies: list[Any], name: str, task: list[Any], numbers: NDArray[np.int64]
) -> list[RecordDict]:
    import ray

    def open_devices() -> HeldDevices:
        return mapped_devices(place) if place.is_dir() else _writable(ray.get(copies[0]))

    devices = WORKER.held(place.name, open_devices)
    return WORKER.answered(devices, name, lambda: ray.get(task[0]), numbers)


def _writable(devices: HeldDevices) -> HeldDevices:
    """Devices out of Ray's store, where nothing may be written: torch asks for vectors that might be."""
    catalogue = devices.catalogue
    copied = DeviceCatalogue(space=catalogue.space, features=catalogue.features.copy())
    return HeldDevices(catalogue=copied, histories=devices.histories)
