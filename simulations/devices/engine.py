"""Who trains the devices of a run."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import rmtree

from simulations.config.engine_options import EngineOptions
from simulations.devices.cohort_answer import ChunkWork, work_here
from simulations.devices.device_files import write_devices
from simulations.devices.held_devices import HeldDevices
from simulations.devices.process_engine import ProcessEngine
from simulations.devices.ray_engine import RayEngine
from simulations.run.workers import cores


@contextmanager
def work_of(options: EngineOptions, devices: HeldDevices, folder: Path) -> Iterator[ChunkWork]:
    """Have devices trained, as long as the ``with`` block lasts.

    Args:
        options: by whom the work is done; what comes of it does not depend on that.
        devices: what they hold.
        folder: of the run; what workers map into memory lies in it meanwhile.

    Yields:
        What works tasks out for chunks of devices.

    Raises:
        GraftError: if the engine does not start.
    """
    if options.engine == "here":
        yield work_here(devices)
        return
    place = write_devices(devices, folder)
    try:
        with closing(_engine(options, place)) as engine:
            yield engine.work
    finally:
        rmtree(place, ignore_errors=True)


def workers_of(options: EngineOptions) -> int:
    """How many train at once, as far as this machine says it."""
    return 1 if options.engine == "here" else options.workers or cores()


def _engine(options: EngineOptions, place: Path) -> ProcessEngine | RayEngine:
    if options.engine == "ray":
        return RayEngine(place, options.workers, options.address)
    return ProcessEngine(place, workers_of(options))
