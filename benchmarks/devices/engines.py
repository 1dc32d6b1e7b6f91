"""The engines that are compared: where each runs and how it is started, and what it came to on a course."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.devices.device_course import DeviceCourse
from benchmarks.devices.peer_run import FINAL_FILE, RUN_FILE
from benchmarks.devices.usage import UsageWatch
from benchmarks.peers.environments import ENVIRONMENTS, python_of, variables_of
from shared.errors import DataError

ROUNDS_NOT_TIMED = 1
"""Engines start their workers in the first round."""
Starter = tuple[str, ...]
PYTHON: Starter = ("-m",)
TORCHRUN: Starter = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m")


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One way of simulating devices."""

    title: str
    module: str
    """under benchmarks.devices.peers"""
    environment: str | None
    """of ``ENVIRONMENTS``; None: the one that this process runs in"""
    processes: int
    """that compute side by side, one thread each"""
    given: str
    """what makes it fast here, and what of the work is put another way"""
    is_same_work: bool = True
    """whether it has to reach the reference's numbers, not its NDCG@10 alone"""
    starter: Starter = PYTHON
    """what stands before the module on Python's command line"""


ENGINES = {
    "graft": Engine(
        title="Graft, sums",
        module="graft",
        environment=None,
        processes=2,
        given="a process a core; the server gets a round's sum, as of a masked run, and not single updates",
    ),
    "graft-messages": Engine(
        title="Graft, a message each",
        module="graft_messages",
        environment=None,
        processes=2,
        given="the same, with every update a message that passes the guard and is screened, in two bytes a number",
    ),
    "graft-low-rank": Engine(
        title="Graft, low rank, a message each",
        module="graft_low_rank",
        environment=None,
        processes=2,
        given="each device's change as an adapter of rank 16 with right factors in common, twice the rates",
        is_same_work=False,
    ),
    "loop": Engine(
        title="sequential loop",
        module="loop",
        environment="torch",
        processes=1,
        given="one module that is set back after each device, torch.optim.SGD, changes added up in place",
    ),
    "flower": Engine(
        title="Flower on Ray",
        module="flower",
        environment="flower",
        processes=2,
        given="a virtual node for each place of the cohort instead of one for each device, an actor a core, data and "
        "module kept in the actor between messages, the encoder as one array",
    ),
    "pfl": Engine(
        title="pfl",
        module="pfl_simulation",
        environment="pfl",
        processes=2,
        given="a process a core under torchrun, users' weights so that both get the same work, batches of one row that "
        "hold a step's events and negatives, no evaluation after the first round",
        starter=TORCHRUN,
    ),
    "appfl": Engine(
        title="APPFL",
        module="appfl_simulation",
        environment="appfl",
        processes=1,
        given="its virtual simulation, which trains one client after the other; one module for all clients, silent "
        "loggers, collections of garbage turned off (findings/appfl-garbage-per-client.sh), agents made before the "
        "rounds and only for devices that take part",
    ),
}
REFERENCE = "loop"
"""Whose final encoder all others have to reach."""


@dataclass(frozen=True, eq=False, kw_only=True)
class EngineRun:
    """What an engine came to."""

    engine: Engine
    final: NDArray[np.float32]
    """[P] the encoder's sequence part"""
    first_round: float
    """seconds by the wall"""
    seconds: float
    """by the wall, of all other rounds together"""
    processor: float
    """seconds of the processor in them, of all processes"""
    devices: int
    """trained in them"""
    peak: float
    """GiB of physical memory at most, of all processes, over the whole run"""
    versions: dict[str, str]

    @property
    def devices_per_second(self) -> float:
        """By the wall, without the first round."""
        return self.devices / self.seconds


def ran(name: str, course_folder: Path, out: Path, environments: Path) -> EngineRun:
    """Run an engine on a course, each in its own environment.

    Args:
        name: of ``ENGINES``.
        course_folder: what ``DeviceCourse.write`` wrote.
        out: where it leaves its results and its words.
        environments: the folder of all environments; one that is whole there is not made anew.

    Returns:
        What it came to.

    Raises:
        DataError: where it fails.
    """
    engine = ENGINES[name]
    environment = ENVIRONMENTS[engine.environment] if engine.environment else None
    python = python_of(environment, environments) if environment else Path(sys.executable)
    out.mkdir(parents=True, exist_ok=True)
    for file in (FINAL_FILE, RUN_FILE):
        (out / file).unlink(missing_ok=True)
    module = f"benchmarks.devices.peers.{engine.module}"
    arguments = [str(course_folder.resolve()), str(out.resolve()), f"--processes={engine.processes}"]
    words = out / "words.log"
    with words.open("w") as log:
        process = subprocess.Popen(
            [str(python), *engine.starter, module, *arguments],
            stdout=log,
            stderr=log,
            cwd=out,
            env=variables_of(environment, 1),
        )
        with UsageWatch(process.pid) as watch:
            code = process.wait()
    if code or not (out / RUN_FILE).is_file():
        raise DataError(f"{engine.title} ended with code {code} and no result; its last words are in {words}")
    return run_of(engine, out, watch, DeviceCourse.read(course_folder))


def run_of(engine: Engine, out: Path, watch: UsageWatch, course: DeviceCourse) -> EngineRun:
    """What an engine left behind, with what was seen of it meanwhile.

    Args:
        engine: which.
        out: the folder of its results.
        watch: that was looking at it.
        course: that it ran on.

    Returns:
        What it came to.
    """
    left: dict[str, Any] = json.loads((out / RUN_FILE).read_text("utf-8"))
    begun, *ends = left["moments"]
    first, last = ends[ROUNDS_NOT_TIMED - 1], ends[-1]
    return EngineRun(
        engine=engine,
        final=np.load(out / FINAL_FILE),
        first_round=ends[0] - begun,
        seconds=last - first,
        processor=watch.processor_between(first, last),
        devices=(course.rounds - ROUNDS_NOT_TIMED) * course.cohort,
        peak=watch.peak,
        versions=left["versions"],
    )
