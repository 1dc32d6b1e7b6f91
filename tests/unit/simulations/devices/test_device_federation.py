"""Rounds of simulated devices, by the server's and the client's app."""

import json
from dataclasses import replace

import numpy as np
import pytest

from client.rounds.device_tasks import CohortTask
from server.rounds.checkpoints import CHECKPOINT_FILE, HISTORY_FILE
from shared.encoder.encoder import Encoder
from shared.errors import ConfigError, FederationError
from shared.federation.config import RoundsConfig
from shared.federation.messages import Declined, DeclineReason, TrainTask, nonce_of
from shared.federation.updates import round_seed, summed_form
from simulations.config.device_run_config import DeviceRunConfig
from simulations.devices.cohort_answer import work_here
from simulations.devices.device_federation import SERVER_FOLDER, run_devices, seconds_before
from simulations.devices.device_platform import DevicePlatform
from simulations.devices.population import Population
from simulations.devices.virtual_clock import VirtualClock
from tests.federation_world import START, opened

PLATFORM = DevicePlatform(prepared=opened("a", seed=0)).held
FLAT = {
    "privacy": "plain",
    "moments": False,
    "rounds": 3,
    "cohort": 8,
    "local-steps": 2,
    "local-encoder-rate": 0.05,
    "aggregation": "fedavg",
    "server-learning-rate": 1.0,
    "availability": "always",
    "breaks-per-minute": 0.0,
}


def config(**changed):
    return DeviceRunConfig.from_dict(FLAT | {key.replace("_", "-"): value for key, value in changed.items()})


CONFIG = config()


def run(folder, asked=CONFIG, *, work=None, resume=False):
    population = Population(asked.population, count=len(PLATFORM.histories), seed=0)
    return run_devices(
        PLATFORM,
        population,
        START,
        asked,
        folder=folder,
        work=work or work_here(PLATFORM),
        time=VirtualClock(seconds_before(folder / SERVER_FOLDER) if resume else 0.0),
        resume=resume,
    )


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    return run(tmp_path_factory.mktemp("once"))


def test_asks_as_many_as_the_cohort_says_and_names_nobody(once):
    for entry in once.history:
        assert entry["counts"].pop("asked") == 8
        assert sum(entry["counts"].values()) == 8
        assert set(entry["counts"]) <= {"reply", "declined"}  # some have one event to train on
    assert all(entry["platforms"] == [] and entry["missing"] == [] for entry in once.history)
    assert all(entry["bytes_up"] > 0 and entry["seconds"] > 0 for entry in once.history)


def test_gives_the_same_bytes_on_the_same_seed(once, tmp_path):
    assert run(tmp_path / "again").encoder.digest == once.encoder.digest
    assert run(tmp_path / "other", replace(CONFIG, seed=1)).encoder.digest != once.encoder.digest


@pytest.mark.parametrize("adapters", ["none", "shared:4"])
def test_steps_along_the_mean_of_what_devices_do_alone(tmp_path, adapters):
    """One round of all devices, against each asked by itself."""
    asked = config(rounds=1, cohort=len(PLATFORM.histories), adapters=adapters)
    trained = run(tmp_path, asked)
    task = TrainTask(
        run="0" * 32,
        round=1,
        nonce=nonce_of("train", "0" * 32, 1),
        seed=asked.seed,
        encoder=START,
        settings=asked.federation.local_in(1),
    )
    form = summed_form(task.settings, round_seed(asked.seed, 1))
    replies = [
        CohortTask(task, PLATFORM.catalogue).replies(PLATFORM.workspaces(np.array([number])))[0]
        for number in range(len(PLATFORM.histories))
    ]
    values = [form.grid(START.spec).values(reply.flat) for reply in replies if not isinstance(reply, Declined)]
    step = form.difference(START.spec, np.mean(values, 0))
    assert np.abs(step).max() > 1e-3
    assert trained.encoder.flat - START.flat == pytest.approx(step, abs=2e-4)


def test_a_stopped_run_goes_on_to_the_same_bytes_and_hours(once, tmp_path):
    class Stopped(Exception):
        pass

    def stops_in_the_last_round(content, chunks):
        if seconds_before(tmp_path / SERVER_FOLDER) and len(_history(tmp_path)) == 2:
            raise Stopped
        return work_here(PLATFORM)(content, chunks)

    with pytest.raises(Stopped):
        run(tmp_path, work=stops_in_the_last_round)
    assert (tmp_path / SERVER_FOLDER / CHECKPOINT_FILE).is_file()
    resumed = run(tmp_path, resume=True)
    assert resumed.encoder.digest == once.encoder.digest
    assert [entry["seconds"] for entry in resumed.history] == [entry["seconds"] for entry in once.history]


def _history(folder):
    return json.loads((folder / SERVER_FOLDER / HISTORY_FILE).read_text("utf-8"))


def test_over_sampling_ends_a_round_with_the_fastest(tmp_path, once):
    (entry,) = run(tmp_path, config(rounds=1, over_sampling=2.0)).history
    counts = entry["counts"]
    assert (counts["asked"], counts["reply"]) == (16, 8)
    assert counts["missing"] > 0
    assert entry["seconds"] <= once.history[0]["seconds"]


def test_who_is_slower_than_the_deadline_is_missing(tmp_path):
    slow = {"slow_share": 0.5, "slow_factor": 1000.0, "computing_spread": 0.0, "network_spread": 0.0}
    (entry,) = run(tmp_path, config(rounds=1, cohort=20, deadline_seconds=60.0, event_seconds=1.0, **slow)).history
    assert 0 < entry["counts"]["missing"] < 20
    assert entry["seconds"] == pytest.approx(60, abs=1.5)


def test_a_device_with_one_event_declines():
    items = PLATFORM.histories.items[:1]
    (device,) = PLATFORM.workspaces(np.array([0]))
    task = TrainTask(
        run="0" * 32,
        round=1,
        nonce=nonce_of("train", "0" * 32, 1),
        seed=0,
        encoder=START,
        settings=CONFIG.federation.local_in(1),
    )
    (reply,) = CohortTask(task, PLATFORM.catalogue).replies([replace(device, history=items)])
    assert isinstance(reply, Declined)
    assert reply.reason is DeclineReason.TOO_FEW_EVENTS


def test_too_few_online_end_the_run(tmp_path):
    nobody = config(joining="drawn", joining_days=1e6)
    with pytest.raises(FederationError, match=r"expected at least 3 platforms online"):
        run(tmp_path, nobody)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"robust": "agreement"}, "robust must be none, since no single update is kept"),
        ({"evaluate_every": 1}, "evaluate-every must be 0; got 1"),
        ({"moments": True}, "moments must be off"),
        ({"downlink": "int8-delta"}, "downlink must be whole"),
    ],
)
def test_refuses_rounds_that_need_more_than_a_mean(broken, words):
    usual = {"cohort": 3, "robust": "none", "evaluate_every": 0, "moments": False}
    with pytest.raises(ConfigError, match=words):
        RoundsConfig(**{**usual, **broken})
    assert isinstance(RoundsConfig(**usual), RoundsConfig)


def test_starts_from_an_encoder_that_training_moves(once):
    assert isinstance(once.encoder, Encoder)
    assert once.encoder.digest != START.digest
