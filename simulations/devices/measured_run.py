"""What a run of drawn devices took: made in a process of its own, so that its memory is its own."""

import re
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from shared.encoder.encoder import Encoder, EncoderSpec
from simulations.config.plan_config import PlanConfig
from simulations.devices.device_federation import run_devices
from simulations.devices.drawn_devices import drawn_devices
from simulations.devices.engine import work_of
from simulations.devices.population import Population
from simulations.devices.virtual_clock import VirtualClock
from simulations.run.workers import main_set_aside, threads


@dataclass(frozen=True, kw_only=True)
class MeasuredRun:
    """One run in one process of one thread."""

    cpu_seconds: float
    """of its rounds"""
    wall_seconds: float
    """the same by the clock, on a machine that others may have used"""
    memory: float
    """MiB of resident memory at most, of the whole process"""
    bytes_down: int
    bytes_up: int


def measured(config: PlanConfig) -> MeasuredRun:
    """Make a run, in a new process, and see what it takes."""
    with main_set_aside(), ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_made, config).result()


def _made(config: PlanConfig) -> MeasuredRun:
    run = config.steady
    devices = drawn_devices(config.size, run.seed)
    space = devices.catalogue.space
    encoder = Encoder.initial(EncoderSpec(preset=run.preset, input_dim=space.dim, feature_space=space), run.seed)
    population = Population(run.population, count=config.size.devices, seed=run.seed)
    with tempfile.TemporaryDirectory() as folder, threads(1), work_of(run.engine, devices, Path(folder)) as work:
        clock = VirtualClock(0.0)
        began = time.process_time(), time.perf_counter()
        result = run_devices(devices, population, encoder, run, folder=Path(folder), work=work, time=clock)
        ended = time.process_time(), time.perf_counter()
    return MeasuredRun(
        cpu_seconds=ended[0] - began[0],
        wall_seconds=ended[1] - began[1],
        memory=peak_memory(),
        bytes_down=sum(record["bytes_down"] for record in result.history),
        bytes_up=sum(record["bytes_up"] for record in result.history),
    )


def peak_memory() -> float:
    """MiB of resident memory that this process has had at most."""
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("utf-8"))
    return int(kilobytes) / 1024
