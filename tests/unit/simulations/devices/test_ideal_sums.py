"""Sums over a cohort without masks, against what its devices give alone."""

import numpy as np
import pytest

from client.data.sequences import select
from client.guard.sum_bounds import within_bounds
from client.rounds.device_tasks import CohortTask
from client.training.moments import platform_moments
from server.rounds.checkpoints import CHECKPOINT_FILE
from shared.errors import ConfigError
from shared.federation.messages import TrainTask, nonce_of
from shared.federation.sum_messages import SumTask, SumWork
from shared.federation.updates import round_seed, summed_form
from shared.federation.wire import encode_task
from simulations.config.device_run_config import DeviceRunConfig
from simulations.devices.chunk_task import opened_task
from simulations.devices.cohort_answer import work_here
from simulations.devices.device_federation import SERVER_FOLDER, run_devices, seconds_before
from simulations.devices.population import Population
from simulations.devices.virtual_clock import VirtualClock
from tests.federation_world import START
from tests.unit.simulations.devices.device_world import held_devices

DEVICES = held_devices(60)
FLAT = {
    "moments": False,
    "rounds": 2,
    "cohort": 12,
    "local-steps": 2,
    "local-encoder-rate": 0.05,
    "aggregation": "fedavg",
    "server-learning-rate": 1.0,
    "availability": "always",
    "breaks-per-minute": 0.0,
}


def config(**changed):
    return DeviceRunConfig.from_dict(FLAT | {key.replace("_", "-"): value for key, value in changed.items()})


def run(folder, asked, *, work=None, resume=False):
    return run_devices(
        DEVICES,
        Population(asked.population, count=len(DEVICES.histories), seed=0),
        START,
        asked,
        folder=folder,
        work=work or work_here(DEVICES),
        time=VirtualClock(seconds_before(folder / SERVER_FOLDER) if resume else 0.0),
        resume=resume,
    )


def train_task(settings):
    run = "0" * 32
    return TrainTask(run=run, round=1, nonce=nonce_of("train", run, 1), seed=0, encoder=START, settings=settings)


@pytest.mark.parametrize("adapters", ["none", "shared:4"])
@pytest.mark.parametrize("clip_norm", [100.0, 0.05])
def test_one_round_steps_along_the_mean_of_what_each_device_gives_alone(tmp_path, adapters, clip_norm):
    asked = config(rounds=1, cohort=len(DEVICES.histories), adapters=adapters, local_clip_norm=clip_norm)
    trained = run(tmp_path, asked)
    task = train_task(asked.federation.local_in(1))
    everybody = DEVICES.workspaces(np.arange(len(DEVICES.histories)))
    alone = [CohortTask(task, DEVICES.catalogue).total([device]) for device in everybody]
    vectors = [within_bounds(numbers, clip_norm, clip_norm) for numbers, rows in alone if len(rows)]
    assert len(vectors) == len(everybody) - 1  # the first has one event
    assert max(map(np.linalg.norm, vectors)) <= clip_norm * 1.0001
    form = summed_form(task.settings, round_seed(0, 1))
    step = form.difference(START.spec, np.mean(vectors, 0).astype(np.float32))
    assert np.abs(step).max() > 1e-4
    assert trained.encoder.flat - START.flat == pytest.approx(step, abs=2e-6)
    (entry,) = trained.history
    assert entry["counts"] == {"asked": 60, "declined": 1, "reply": 59}


def test_sums_and_messages_lead_to_the_same_encoder(tmp_path):
    summed = run(tmp_path / "sums", config()).encoder
    told = run(tmp_path / "messages", config(privacy="plain", moments=False)).encoder
    moved = np.abs(summed.flat - START.flat).max()
    assert moved > 1e-3
    assert np.abs(summed.flat - told.flat).max() < 0.01 * moved


def test_moments_of_rounds_add_up_beside_what_is_trained(tmp_path):
    found = run(tmp_path / "moments", config(moments=True, cohort=len(DEVICES.histories)))
    assert [entry["kind"] for entry in found.history] == ["moments", "train"] * 2
    assert found.history[1]["seconds"] > found.history[0]["seconds"] == 0
    able = DEVICES.histories.lengths() > 1
    everybody = select(DEVICES.histories, np.flatnonzero(able))
    expected = platform_moments(DEVICES.catalogue.features, everybody, alike=True)
    (summed,) = found.moments.values()
    assert summed.to_flat() / summed.n == pytest.approx(expected.to_flat() / expected.n, abs=1e-6)
    place = START.spec.sequence_place
    trained = run(tmp_path / "trained", config(cohort=len(DEVICES.histories)))
    assert found.encoder.flat[place] == pytest.approx(trained.encoder.flat[place], abs=1e-5)


def test_who_breaks_off_or_is_late_is_in_no_sum_and_the_round_waits_until_the_deadline(tmp_path):
    slow = {"slow_share": 0.5, "slow_factor": 1000.0, "computing_spread": 0.0, "network_spread": 0.0}
    late = config(rounds=1, cohort=30, deadline_seconds=60.0, event_seconds=1.0, **slow)
    (entry,) = run(tmp_path / "late", late).history
    assert 0 < entry["counts"]["missing"] < 30
    assert entry["seconds"] == pytest.approx(60)
    (broken,) = run(tmp_path / "broken", config(rounds=1, cohort=60, breaks_per_minute=3.0, event_seconds=1.0)).history
    assert 0 < broken["counts"]["missing"] < 60


def test_a_round_that_nobody_ends_leaves_the_encoder_as_it_is(tmp_path):
    nobody = config(rounds=1, deadline_seconds=1e-3)
    result = run(tmp_path, nobody)
    assert result.encoder.digest == START.digest
    assert "nobody is in the sum" in result.history[0]["note"]


def test_a_stopped_run_goes_on_to_the_same_bytes(tmp_path):
    class Stopped(Exception):
        pass

    def stops_in_the_second_round(content, chunks):
        if (tmp_path / "twice" / SERVER_FOLDER / CHECKPOINT_FILE).is_file() and seconds_before(
            tmp_path / "twice" / SERVER_FOLDER
        ):
            raise Stopped
        return work_here(DEVICES)(content, chunks)

    once = run(tmp_path / "once", config())
    with pytest.raises(Stopped):
        run(tmp_path / "twice", config(), work=stops_in_the_second_round)
    again = run(tmp_path / "twice", config(), resume=True)
    assert again.encoder.digest == once.encoder.digest
    assert [entry["seconds"] for entry in again.history] == [entry["seconds"] for entry in once.history]


def test_work_that_devices_of_a_simulation_do_not_sum_is_refused():
    work = SumWork(run="0" * 32, round=1, seed=0, parts=("evaluate",), encoder=START, weights={"a": 1.0})
    content = encode_task(SumTask.of(work.run, 1, b"\0", work))
    with pytest.raises(ConfigError, match="sum what training changes, without noise; found other work"):
        opened_task(content, DEVICES.catalogue)
    step = encode_task(SumTask.of(work.run, 1, b"\0"))
    with pytest.raises(ConfigError, match="found other work"):
        opened_task(step, DEVICES.catalogue)
