"""Programs are kept running, whatever ends them; real processes."""

import json
import os
import shutil
import signal
import sys
import time
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from shared.system.processes.keeper import Keeper, Program, end_leftovers


class Clock:
    """Seconds that pass when the test says so; waiting for a process waits."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        time.sleep(min(seconds, 0.05))


def program(folder: Path, code: str, *, memory_bytes: int = 0, name: str = "worker", **options) -> Program:
    return Program(
        **options,
        name=name,
        command=(sys.executable, "-c", code),
        environment=dict(os.environ),
        folder=folder,
        memory_bytes=memory_bytes,
    )


def keeper(folder: Path, clock: Clock, *programs: Program, log_bytes: int = 10**6) -> Keeper:
    return Keeper(
        programs, logs=folder, state=folder / "running.json", log_bytes=log_bytes, now=clock.now, sleep=clock.sleep
    )


def wait_for(holds, *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


SLEEPS = "import time; print('begun', flush=True); time.sleep(600)"


def test_starts_a_killed_program_again_after_a_pause(tmp_path) -> None:
    clock = Clock()
    kept = keeper(tmp_path, clock, program(tmp_path, SLEEPS))
    kept.tick()
    first = kept.report()[0]["pid"]
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: kept.tick() or kept.report()[0]["restarts"] == 1)
    assert kept.report()[0]["pid"] is None
    clock.seconds += 1
    kept.tick()
    assert kept.report()[0]["pid"] not in {None, first}
    assert kept.report()[0]["code"] == -signal.SIGKILL
    kept.stop()
    assert kept.report()[0]["pid"] is None


def test_says_what_an_exit_code_means(tmp_path, caplog) -> None:
    for code, told in ((3, "worker ended with 3, nobody let it in; started"), (4, "worker ended with 4; started")):
        kept = keeper(
            tmp_path, Clock(), program(tmp_path, f"raise SystemExit({code})", endings={3: "nobody let it in"})
        )
        wait_for(lambda kept=kept: kept.tick() or kept.report()[0]["restarts"] == 1)
        assert told in caplog.text
        kept.stop()


def test_waits_longer_for_a_program_that_ends_at_once_and_never_gives_up(tmp_path) -> None:
    clock = Clock()
    kept = keeper(tmp_path, clock, program(tmp_path, "raise SystemExit(1)"))
    starts = []
    for _ in range(8):
        kept.tick()
        starts.append(clock.seconds)
        restarts = len(starts)
        wait_for(lambda restarts=restarts: kept.tick() or kept.report()[0]["restarts"] == restarts)
        while kept.report()[0]["pid"] is None:
            clock.seconds += 0.5
            kept.tick()
    pauses = [later - earlier for earlier, later in pairwise(starts)]
    assert pauses == [1, 2, 4, 8, 10, 10, 10]
    kept.stop()


def test_ends_what_a_program_has_started_too(tmp_path) -> None:
    code = (
        "import subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print(child.pid, flush=True); time.sleep(600)"
    )
    kept = keeper(tmp_path, Clock(), program(tmp_path, code))
    kept.tick()
    log = tmp_path / "worker.log"
    wait_for(lambda: log.read_text().endswith("\n"))
    child = int(log.read_text())
    assert psutil.pid_exists(child)
    kept.stop()
    wait_for(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


def test_ends_a_program_that_does_not_end_politely(tmp_path) -> None:
    code = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"
    kept = keeper(tmp_path, Clock(), program(tmp_path, code))
    kept.tick()
    pid = kept.report()[0]["pid"]
    wait_for(lambda: "begun" in (tmp_path / "worker.log").read_text())
    kept.stop()
    assert not psutil.pid_exists(pid)


def test_ends_what_a_killed_keeper_left_and_nothing_else(tmp_path) -> None:
    clock = Clock()
    kept = keeper(tmp_path, clock, program(tmp_path, SLEEPS))
    kept.tick()
    pid = kept.report()[0]["pid"]
    assert end_leftovers(tmp_path / "running.json", now=clock.now, sleep=clock.sleep) == ["worker"]
    assert psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert end_leftovers(tmp_path / "running.json", now=clock.now, sleep=clock.sleep) == []
    kept.stop()
    state = json.loads((tmp_path / "running.json").read_text())
    later = {"name": "other", "pid": os.getpid(), "started": 1.0}
    (tmp_path / "running.json").write_text(json.dumps({**state, "processes": [later]}))
    assert end_leftovers(tmp_path / "running.json", now=clock.now, sleep=clock.sleep) == []


def test_a_copy_of_the_folder_ends_nothing_of_the_folder_that_was_copied(tmp_path) -> None:
    clock, folder, copy = Clock(), tmp_path / "films", tmp_path / "films-copy"
    folder.mkdir()
    kept = keeper(folder, clock, program(folder, SLEEPS))
    kept.tick()
    shutil.copytree(folder, copy)
    assert end_leftovers(copy / "running.json", now=clock.now, sleep=clock.sleep) == []
    moved = folder.rename(tmp_path / "moved")
    assert end_leftovers(moved / "running.json", now=clock.now, sleep=clock.sleep) == ["worker"]


def test_ends_what_a_killed_program_has_started(tmp_path) -> None:
    clock = Clock()
    child_code = "import time; time.sleep(600)"
    begin = f"subprocess.Popen([sys.executable, '-c', {child_code!r}])"
    code = f"import subprocess, sys, time; print({begin}.pid, flush=True); time.sleep(600)"
    kept = keeper(tmp_path, clock, program(tmp_path, code))
    kept.tick()
    log = tmp_path / "worker.log"
    wait_for(lambda: log.exists() and log.read_text().endswith("\n"))
    child = psutil.Process(int(log.read_text()))
    leader = psutil.Process(kept.report()[0]["pid"])
    leader.kill()
    wait_for(lambda: leader.status() == psutil.STATUS_ZOMBIE)
    assert child.is_running()
    assert end_leftovers(tmp_path / "running.json", now=clock.now, sleep=clock.sleep) == ["worker"]
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    kept.stop()


@pytest.mark.parametrize("content", ["", "[1]", '[{"pid": 1}]', "{}", '{"folder": 1, "processes": [1]}'])
def test_takes_a_damaged_state_file_for_an_empty_one(tmp_path, content) -> None:
    (tmp_path / "running.json").write_text(content)
    assert end_leftovers(tmp_path / "running.json", now=time.monotonic, sleep=time.sleep) == []


def test_puts_a_full_log_aside_and_the_program_writes_on(tmp_path) -> None:
    code = "import time\nfor n in range(10**6): print('line', n, flush=True); time.sleep(.01)"
    kept = keeper(tmp_path, Clock(), program(tmp_path, code), log_bytes=100)
    kept.tick()
    log, aside = tmp_path / "worker.log", tmp_path / "worker.log.1"
    wait_for(lambda: kept.tick() or aside.exists())
    assert aside.read_text().startswith("line 0\n")
    wait_for(lambda: log.stat().st_size > 0)
    assert "\0" not in log.read_text()
    kept.stop()


def test_a_program_gets_no_more_memory_than_it_may(tmp_path) -> None:
    code = "import time; time.sleep(.5); bytearray(2**30)"
    kept = keeper(tmp_path, Clock(), program(tmp_path, code, memory_bytes=2**29))
    kept.tick()
    wait_for(lambda: kept.tick() or kept.report()[0]["restarts"] == 1)
    assert "MemoryError" in (tmp_path / "worker.log").read_text()
    kept.stop()
