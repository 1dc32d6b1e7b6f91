import importlib.util
from multiprocessing import active_children

import numpy as np
import pytest

from shared.errors import ConfigError, GraftError
from simulations.config.engine_options import EngineOptions
from simulations.devices.cohort_answer import work_here
from simulations.devices.device_federation import run_devices
from simulations.devices.device_files import mapped_devices, write_devices
from simulations.devices.engine import work_of
from simulations.devices.population import Population
from simulations.devices.process_engine import ProcessEngine
from simulations.devices.ray_engine import RayEngine
from simulations.devices.virtual_clock import VirtualClock
from tests.federation_world import START
from tests.unit.simulations.devices.device_world import CONFIG, DEVICES, chunks_of, held_devices, task_content

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")


def encoder_of_run(folder, options: EngineOptions) -> bytes:
    devices = held_devices()
    population = Population(CONFIG.population, count=DEVICES, seed=CONFIG.seed)
    with work_of(options, devices, folder) as work:
        result = run_devices(devices, population, START, CONFIG, folder=folder, work=work, time=VirtualClock(0.0))
    assert result.encoder.digest != START.digest
    assert not list(folder.glob("devices-*"))
    return result.encoder.flat.tobytes()


@pytest.fixture(scope="module")
def encoder_here(tmp_path_factory) -> bytes:
    return encoder_of_run(tmp_path_factory.mktemp("here"), EngineOptions())


@pytest.mark.parametrize("workers", [1, 2])
def test_processes_give_the_encoder_that_one_process_gives(tmp_path, encoder_here, workers) -> None:
    assert encoder_of_run(tmp_path, EngineOptions(engine="processes", workers=workers)) == encoder_here


@needs_ray
@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_ray_gives_the_encoder_that_one_process_gives(tmp_path, encoder_here, workers) -> None:
    assert encoder_of_run(tmp_path, EngineOptions(engine="ray", workers=workers)) == encoder_here


def test_chunks_of_processes_that_were_killed_are_done_again(tmp_path) -> None:
    devices, content = held_devices(), task_content()
    chunks = chunks_of(devices, 20)
    expected = dict(work_here(devices)(content, chunks))
    before = set(active_children())
    engine = ProcessEngine(write_devices(devices, tmp_path), 2)
    try:
        done = engine.work(content, chunks)
        place, answers = next(done)
        killed = set(active_children()) - before
        for process in killed:
            process.kill()
        found = {place: answers, **dict(done)}
        assert len(killed) == 2
    finally:
        engine.close()
    assert found == expected


def test_a_worker_that_ends_again_and_again_ends_the_run(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("simulations.devices.process_engine._answered", ends)
    engine = ProcessEngine(write_devices(held_devices(), tmp_path), 1)
    try:
        with pytest.raises(GraftError, match="ended from outside 5 times"):
            list(engine.work(task_content(), chunks_of(held_devices(), 100)))
    finally:
        engine.close()


def ends(*_arguments: object) -> None:
    import os

    os._exit(1)


def test_files_of_devices_hold_what_the_devices_hold(tmp_path) -> None:
    devices = held_devices()
    mapped = mapped_devices(write_devices(devices, tmp_path))
    assert mapped.catalogue.space == devices.catalogue.space
    assert np.array_equal(mapped.catalogue.features, devices.catalogue.features)
    assert np.array_equal(mapped.histories.items, devices.histories.items)
    assert np.array_equal(mapped.histories.offsets, devices.histories.offsets)


def test_an_engine_without_ray_says_what_is_missing(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(ConfigError, match=r"expected the extra graft\[ray\]"):
        RayEngine(tmp_path, 1, "")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"engine": "here", "workers": 2}, "engine here has one worker; found workers 2"),
        ({"engine": "processes", "address": "a:1"}, "expected engine ray; found processes"),
    ],
)
def test_options_that_an_engine_has_not_are_refused(fields, sentence) -> None:
    with pytest.raises(ConfigError, match=sentence):
        EngineOptions(**fields)
