"""Devices whose users walk around one ring of items, and a run of two rounds over them."""

from dataclasses import replace

import numpy as np

from client.rounds.device_workspace import DeviceCatalogue
from shared.federation.messages import TrainTask, nonce_of
from shared.federation.wire import encode_task
from simulations.config.device_run_config import USUAL, DeviceRunConfig
from simulations.config.population_config import PopulationConfig
from simulations.devices.held_devices import HeldDevices
from tests.federation_world import START
from tests.unit.client.training.world import SPACE, features, ragged, walks

DEVICES = 200
CONFIG = DeviceRunConfig(
    seed=5,
    federation=replace(USUAL, rounds=2, cohort=60),
    population=PopulationConfig(availability="always", breaks_per_minute=0.0),
)


def held_devices(count: int = DEVICES) -> HeldDevices:
    """The first has one event, and does not train."""
    lists = walks(count)
    rows = [lists.items[lists.offsets[row] : lists.offsets[row + 1]] for row in range(count)]
    histories = ragged([rows[0][:1], *rows[1:]])
    return HeldDevices(catalogue=DeviceCatalogue(space=SPACE, features=features()), histories=histories)


def task_content():
    """A training task of the run in records."""
    run = "0" * 32
    task = TrainTask(
        run=run, round=1, nonce=nonce_of("train", run, 1), seed=5, encoder=START, settings=CONFIG.federation.local_in(1)
    )
    return encode_task(task)


def chunks_of(devices: HeldDevices, size: int) -> list[np.ndarray]:
    """All devices, cut into chunks of one size."""
    numbers = np.arange(len(devices.histories))
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]
