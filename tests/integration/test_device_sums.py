"""Devices in masked rounds: cohorts are drawn, their changes come as one sum, and nothing else leaves a device."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from client.guard.device_policy import DevicePolicy
from client.privacy.accounts import Accounts
from client.rounds.device_tasks import CohortTask, as_sequences
from client.rounds.joined_device import JoinedDevice, open_holder
from client.training.moments import platform_moments
from server.rounds.drawn_cohorts import DrawnCohorts
from shared.errors import ConfigError
from shared.federation.messages import TrainReply, TrainTask, nonce_of
from shared.federation.updates import round_seed, summed_form
from shared.privacy.gaussian import epsilon_of
from shared.privacy.ledger import OPENED, UPDATE_SUM
from shared.system.settings_file import to_toml
from simulations.federation.held_federation import run_federation
from tests.device_world import LEAST, LOCAL, START, cohorts, devices


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def device_of(settings) -> JoinedDevice:
    device = open_holder(settings)
    assert isinstance(device, JoinedDevice)
    return device


@pytest.mark.parametrize("adapters", ["none", "shared:2"])
def test_the_encoder_steps_along_the_mean_change_of_the_cohort(tmp_path, adapters) -> None:
    nodes = devices(tmp_path, 8)
    config = cohorts(rounds=1, local=replace(LOCAL, adapters=adapters))
    found = run_federation(nodes, START, config, folder=tmp_path / "run")
    drawn = DrawnCohorts(config=config).names(1, set(nodes))
    settings = config.local_in(1)
    task = TrainTask(
        run="00" * 16, round=1, nonce=nonce_of("train", "00", 1), seed=config.seed, encoder=START, settings=settings
    )
    form = summed_form(settings, round_seed(config.seed, 1))
    drawn_devices = [device_of(nodes[name]).device for name in sorted(drawn)]
    replies = CohortTask(task, drawn_devices[0].catalogue).replies(drawn_devices)
    changes = [form.grid(START.spec).values(each.flat) for each in replies if isinstance(each, TrainReply)]
    assert len(changes) == 4
    expected = START.flat + form.difference(START.spec, np.mean(changes, 0))
    assert np.abs(expected - START.flat).max() > 1e-4
    np.testing.assert_allclose(found.encoder.flat, expected, rtol=0, atol=2e-6)


def test_each_sum_is_of_a_cohort_of_its_own_and_is_told_in_numbers(tmp_path) -> None:
    nodes = devices(tmp_path, 12)
    found = run_federation(nodes, START, cohorts(rounds=3), folder=tmp_path / "run")
    assert [entry["note"] for entry in found.history] == ["", "", ""]
    assert [entry["counts"] for entry in found.history] == [{"asked": 4, "reply": 4}] * 3
    assert all(entry["platforms"] == [] and entry["groups"] == {} for entry in found.history)
    took_part = [name for name in nodes if (Path(nodes[name].ledger)).exists()]
    assert 4 < len(took_part) <= 12
    for name in took_part:
        kinds = {line.split('"kind": "')[1].split('"')[0] for line in Path(nodes[name].ledger).read_text().splitlines()}
        assert kinds == {"sum-reply"}


def test_a_device_with_too_few_events_declines_and_the_others_go_on(tmp_path) -> None:
    nodes = devices(tmp_path, 4)
    few = devices(tmp_path / "few", 1, events=1) if (tmp_path / "few").mkdir() is None else {}
    nodes["few"] = next(iter(few.values()))
    nodes["few"] = replace(nodes["few"], platform=nodes["few"].platform.replace("device-00=", "few="))
    found = run_federation(nodes, START, cohorts(rounds=1, cohort=5), folder=tmp_path / "run")
    (entry,) = found.history
    assert (entry["note"], entry["counts"]) == ("", {"asked": 5, "declined": 1, "reply": 4})


def test_a_device_answers_nothing_but_sums(tmp_path) -> None:
    nodes = devices(tmp_path, 4)
    found = run_federation(nodes, START, cohorts("plain", rounds=1), folder=tmp_path / "run")
    assert found.encoder.flat.tobytes() == START.flat.tobytes()
    assert found.history[0]["counts"] == {"asked": 4, "declined": 4}


def test_a_cohort_smaller_than_the_policy_of_devices_is_refused(tmp_path) -> None:
    nodes = devices(tmp_path, 4, least=5)
    found = run_federation(nodes, START, cohorts(rounds=1), folder=tmp_path / "run")
    assert found.encoder.flat.tobytes() == START.flat.tobytes()
    assert "a set-up of sums ends without a result" in found.history[0]["note"]


def test_a_masked_cohort_is_no_smaller_than_its_sums(tmp_path) -> None:
    with pytest.raises(ConfigError, match="cohort must be at least 16"):
        cohorts(cohort=8, least_parties=16, min_platforms=16)


NOISY = {"cohort_noise": 20.0, "colluding_platforms": 1}


def private_policy(folder: Path, nodes, epsilon: float) -> dict:
    policy = folder / "private.toml"
    policy.write_bytes(to_toml(DevicePolicy(privacy="masked-private", least_parties=LEAST, epsilon=epsilon)))
    return {name: replace(node, policy=str(policy)) for name, node in nodes.items()}


def test_the_sum_bears_the_noise_of_the_promise_and_devices_are_charged(tmp_path) -> None:
    nodes = private_policy(tmp_path, devices(tmp_path, 4), epsilon=8.0)
    found = run_federation(nodes, START, cohorts(rounds=3, **NOISY), folder=tmp_path / "run")
    assert [(entry["note"], entry["counts"]["reply"]) for entry in found.history] == [("", 4)] * 3
    moved = (found.encoder.flat - START.flat)[START.spec.sequence_place]
    of_all = 20.0 * np.sqrt(4 / 3)  # the noise of one of four is not counted
    assert float(moved.std()) == pytest.approx(np.sqrt(3) * of_all * LOCAL.clip_norm / 4, rel=0.05)
    device = device_of(nodes["device-00"])
    account = Accounts(device.machine, device.heads).read()
    assert account.most == pytest.approx(3 / 20.0**2, rel=1e-6)
    released = [entry.released for entry in account.ledger.entries]
    assert released == [UPDATE_SUM, OPENED] * 3


def test_a_device_that_has_spent_its_promise_gives_nothing_more(tmp_path) -> None:
    nodes = private_policy(tmp_path, devices(tmp_path, 4), epsilon=epsilon_of(1.5 / 20.0**2, 1e-6))
    found = run_federation(nodes, START, cohorts(rounds=2, **NOISY), folder=tmp_path / "run")
    assert [entry["counts"].get("reply", 0) for entry in found.history] == [4, 0]
    assert found.history[1]["counts"]["declined"] == 4


def test_a_private_device_gives_nothing_without_noise(tmp_path) -> None:
    nodes = private_policy(tmp_path, devices(tmp_path, 4), epsilon=8.0)
    found = run_federation(nodes, START, cohorts(rounds=1), folder=tmp_path / "run")
    assert found.encoder.flat.tobytes() == START.flat.tobytes()
    assert found.history[0]["counts"] == {"asked": 4, "declined": 4}


def test_noise_that_does_not_keep_the_promise_is_refused(tmp_path) -> None:
    nodes = private_policy(tmp_path, devices(tmp_path, 4), epsilon=epsilon_of(1 / 40.0**2, 1e-6))
    found = run_federation(nodes, START, cohorts(rounds=1, **NOISY), folder=tmp_path / "run")
    assert found.encoder.flat.tobytes() == START.flat.tobytes()


def test_noise_is_asked_of_masked_cohorts_alone() -> None:
    with pytest.raises(ConfigError, match="cohort-noise must be 0"):
        cohorts("plain", cohort_noise=1.0)


def test_the_linear_part_is_solved_from_the_sum_of_a_cohorts_moments(tmp_path) -> None:
    nodes = devices(tmp_path, 4)
    config = cohorts(rounds=0, moments=True)
    found = run_federation(nodes, START, config, folder=tmp_path / "run")
    assert [(entry["kind"], entry["counts"], entry["note"]) for entry in found.history] == [
        ("moments", {"asked": 4, "reply": 4}, "")
    ]
    (summed,) = found.moments.values()
    own = [
        platform_moments(each.features, as_sequences([each.device.history])) for each in map(device_of, nodes.values())
    ]
    means = np.mean([each.to_flat()[:-1] / each.n for each in own], 0)
    assert summed.to_flat()[:-1] / summed.n == pytest.approx(means, abs=1e-7)
    assert pytest.approx(START.linear().W, abs=1e-3) != found.encoder.linear().W


def test_moments_of_cohorts_add_up_round_by_round_beside_what_they_train(tmp_path) -> None:
    nodes = devices(tmp_path, 4)
    found = run_federation(nodes, START, cohorts(rounds=2, moments=True), folder=tmp_path / "run")
    assert [(entry["kind"], entry["round"]) for entry in found.history] == [
        ("moments", 0),
        ("train", 1),
        ("moments", 1),
        ("train", 2),
    ]
    assert [entry["bytes_up"] > 0 for entry in found.history] == [False, True, False, True]
    (summed,) = found.moments.values()
    once = run_federation(nodes, START, cohorts(rounds=0, moments=True), folder=tmp_path / "0")
    (alone,) = once.moments.values()
    assert summed.n == pytest.approx(2 * alone.n)
    assert summed.to_flat() == pytest.approx(2 * alone.to_flat(), abs=1e-6)
    trained = run_federation(nodes, START, cohorts(rounds=2), folder=tmp_path / "2")
    place = START.spec.sequence_place
    assert found.encoder.flat[place] == pytest.approx(trained.encoder.flat[place], abs=1e-5)
    assert pytest.approx(START.linear().W, abs=1e-3) != found.encoder.linear().W
