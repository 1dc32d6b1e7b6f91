"""Graft's own simulation: the server's app asks a grid of devices in virtual time, the client's app answers for them.

The grid offers the course's cohort of each round, so that the same devices train on the same draws.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from flwr.app import RecordDict
from numpy.typing import NDArray
from typing_extensions import override

from benchmarks.devices.device_course import DeviceCourse
from benchmarks.devices.peer_run import PeerRun
from client.data.sequences import Sequences
from client.features.hashing import hashing_space
from client.rounds.device_workspace import DeviceCatalogue
from shared.encoder.encoder import Encoder, EncoderSpec
from simulations.config.device_run_config import DeviceRunConfig
from simulations.config.population_config import PopulationConfig
from simulations.devices.cohort_answer import ChunkWork, DoneChunk
from simulations.devices.device_federation import run_devices
from simulations.devices.engine import work_of
from simulations.devices.held_devices import HeldDevices
from simulations.devices.population import Population
from simulations.devices.virtual_clock import VirtualClock

SUMS = {"moments": False, "local-clip-norm": 1000.0}
"""A masked sum is of updates up to a length; the course's are nowhere near it."""
MESSAGES = {"privacy": "plain", "moments": False}
LOW_RANK = {"adapters": "shared:16", **MESSAGES}
LOW_RANK_RATES = 2.0
"""times the course's rates on devices and at the server: a step within 16 directions of 512 is shorter"""


class CoursePopulation(Population):
    """Whoever the course asks is there, and nobody breaks off."""

    def __init__(self, course: DeviceCourse) -> None:
        super().__init__(
            PopulationConfig(availability="always", breaks_per_minute=0.0), count=len(course.targets), seed=0
        )
        self._course, self.round = course, 0

    @override
    def available(self, _now: float) -> NDArray[np.bool_]:
        there = np.zeros(self.count, bool)
        there[self._course.cohorts[min(self.round, self._course.rounds - 1)]] = True
        return there


def config_of(course: DeviceCourse, processes: int, form: dict[str, Any]) -> DeviceRunConfig:
    """The course's rounds as options of a run.

    Args:
        course: that is run.
        processes: that compute side by side.
        form: of the updates.

    Returns:
        The config.
    """
    times = LOW_RANK_RATES if form is LOW_RANK else 1.0
    return DeviceRunConfig.from_dict(
        {
            "rounds": course.rounds,
            "cohort": course.cohort,
            "seed": course.settings.seed,
            "learning-rate-decay": 1.0,
            "local-steps": int(course.negatives.shape[1]),
            "local-negatives": int(course.negatives.shape[2]),
            "local-encoder-rate": times * course.settings.learning_rate,
            "aggregation": "fedavgm",  # without momentum: the mean times a rate
            "server-momentum": 0.0,
            "server-learning-rate": times * course.settings.server_learning_rate,
            "engine": "processes",
            "workers": processes,
            **form,
        }
    )


def train(form: dict[str, Any]) -> None:
    """Train all rounds of the course.

    Args:
        form: of the updates, as options.
    """
    run = PeerRun.from_arguments()
    course = run.course
    space = hashing_space(course.features.shape[1])
    spec = EncoderSpec(preset=course.settings.preset, input_dim=space.dim, feature_space=space)
    start = Encoder.initial(spec, 0)
    flat = start.flat.copy()
    flat[spec.sequence_place] = course.initial
    histories = Sequences(offsets=np.array(course.offsets), items=np.array(course.items))
    catalogue = DeviceCatalogue(space=space, features=np.array(course.features))
    devices = HeldDevices(catalogue=catalogue, histories=histories)
    config, population = config_of(course, run.processes, form), CoursePopulation(course)

    def noting_rounds(work: ChunkWork) -> ChunkWork:
        def noted(content: RecordDict, chunks: Sequence[NDArray[np.int64]]) -> Iterable[DoneChunk]:
            if population.round:
                run.end_round()
            population.round += 1
            return work(content, chunks)

        return noted

    with work_of(config.engine, devices, run.out) as work:
        run.begin()
        result = run_devices(
            devices,
            population,
            Encoder(spec=spec, flat=flat),
            config,
            folder=run.out,
            work=noting_rounds(work),
            time=VirtualClock(0.0),
        )
        run.end_round()
    run.finish(result.encoder.flat[spec.sequence_place], ("flwr",))


if __name__ == "__main__":
    train(SUMS)
