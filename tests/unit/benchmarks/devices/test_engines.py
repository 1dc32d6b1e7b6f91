import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from benchmarks.devices.__main__ import arguments
from benchmarks.devices.engines import ENGINES, run_of
from benchmarks.devices.peer_run import PeerRun
from benchmarks.devices.usage import Look, UsageWatch
from benchmarks.peers.environments import ENVIRONMENTS
from tests.unit.benchmarks.devices.world import small_course

BUSY = """
import time
held = bytearray(b"x") * (64 * 2**20)
ends = time.process_time() + 0.5
while time.process_time() < ends:
    pass
time.sleep(1)
"""


def test_a_watch_sees_what_a_process_starts():
    starts = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}])"
    process = subprocess.Popen([sys.executable, "-c", starts])
    begun = time.time()
    with UsageWatch(process.pid, every=0.05) as watch:
        assert process.wait() == 0
    assert watch.peak > 64 / 1024
    assert 0.5 <= watch.processor_between(begun, time.time()) < 2


def test_processor_seconds_lie_on_a_line_between_two_looks():
    watch = UsageWatch(os.getpid())
    watch.looks = [Look(moment=10.0, processor=1.0, memory=0.0), Look(moment=20.0, processor=6.0, memory=0.0)]
    assert watch.processor_between(12.0, 16.0) == pytest.approx(2.0)


def test_the_first_round_is_told_apart_from_the_others(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"moments": [10.0, 14.0, 15.0, 18.0], "versions": {"pfl": "1"}}))
    np.save(tmp_path / "final.npy", np.ones(3, np.float32))
    watch = UsageWatch(os.getpid())
    watch.looks = [Look(moment=10.0, processor=0.0, memory=0.2), Look(moment=20.0, processor=10.0, memory=0.4)]
    found = run_of(ENGINES["pfl"], tmp_path, watch, small_course(rounds=3, cohort=4))
    assert (found.first_round, found.seconds, found.devices) == (4.0, 4.0, 8)
    assert found.devices_per_second == 2.0
    assert (found.processor, found.peak) == (pytest.approx(4.0), 0.4)


def test_an_engine_that_skipped_a_round_leaves_nothing(tmp_path):
    course = small_course()
    course.write(tmp_path / "course")
    run = PeerRun(tmp_path / "course", tmp_path, 1)
    run.begin()
    run.end_round()
    with pytest.raises(ValueError, match="expected 2 rounds; 1 were noted"):
        run.finish(course.initial, ())
    assert not (tmp_path / "final.npy").exists()


def test_every_engine_pins_what_it_is_named_after():
    for name, package in {"flower": "flwr[simulation]==", "pfl": "pfl[pytorch]==", "appfl": "appfl=="}.items():
        environment = ENVIRONMENTS[str(ENGINES[name].environment)]
        assert any(each.startswith(package) for each in environment.requirements)


def test_a_single_round_is_refused(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["devices", "--out=out", "--platform=shop", "--rounds=1"])
    with pytest.raises(SystemExit) as stopped:
        arguments()
    assert stopped.value.code == 2
    assert "--rounds must be 2 or more" in capsys.readouterr().err
