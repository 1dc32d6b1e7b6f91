"""Work on platforms in several processes."""

import os
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch

from shared.errors import DataError, GraftError
from simulations.config.run_config import RunConfig
from simulations.results.outcomes import MethodOutcome
from simulations.results.recorder import Recorder
from simulations.run.run_recorder import RunRecorder
from simulations.run.workers import Workers


def outcome(method: str, value: float) -> MethodOutcome:
    one, no = np.array([value]), np.zeros(1, bool)
    columns = {"ndcg": one, "recall": one, "reciprocal_rank": one, "cold_users": no, "cold_items": no}
    return MethodOutcome(platform="shop", method=method, seed=0, users=np.array([0]), coverage=0.0, **columns)


def report(recorder: Recorder, method: str, pause: float) -> None:
    with recorder.step(method, platform="shop"):
        time.sleep(pause)
        recorder.add_outcome(outcome(method, float(torch.get_num_threads())))


def fail(recorder: Recorder) -> None:
    recorder.add_outcome(outcome("popularity", 1.0))
    raise DataError("no such thing")


def die(_recorder: Recorder) -> None:
    os._exit(9)


@pytest.mark.parametrize("jobs", [1, 2])
def test_hands_over_what_tasks_report_in_the_order_of_reports(jobs):
    said = []
    recorder = RunRecorder(RunConfig(), say=said.append)
    with Workers(jobs, recorder) as workers:
        workers.submit(report, "ease", 0.2)
        workers.submit(report, "popularity", 0.0)
    result = recorder.result(complete=True)
    assert [(one.method, one.ndcg.tolist()) for one in result.outcomes] == [("popularity", [1.0]), ("ease", [1.0])]
    assert sorted(said) == ["shop: ease", "shop: popularity"]
    assert list(result.seconds) == ["ease", "popularity"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_raises_what_a_task_raised_and_keeps_what_it_had_reported(jobs):
    recorder = RunRecorder(RunConfig())
    with pytest.raises(DataError, match="no such thing"), Workers(jobs, recorder) as workers:
        workers.submit(fail)
    assert [one.method for one in recorder.result(complete=False).outcomes] == ["popularity"]


def test_names_a_process_that_was_ended_from_outside():
    with pytest.raises(GraftError, match="ended from outside"), Workers(2, RunRecorder(RunConfig())) as workers:
        workers.submit(die)


def test_leaving_early_ends_the_processes_and_keeps_what_they_reported():
    recorder = RunRecorder(RunConfig())

    def leave_after_the_first() -> None:
        with Workers(2, recorder) as workers:
            workers.submit(report, "popularity", 0.0)
            workers.submit(report, "ease", 600.0)
            while not recorder.result(complete=False).outcomes:
                time.sleep(0.05)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave_after_the_first()
    assert [one.method for one in recorder.result(complete=False).outcomes] == ["popularity"]


def write_pid_and_wait(_recorder: Recorder, path: str) -> None:
    Path(path).write_text(str(os.getpid()), "utf-8")
    time.sleep(600)


def run_that_never_ends(path: str) -> None:
    with Workers(2, RunRecorder(RunConfig())) as workers:
        workers.submit(write_pid_and_wait, path)


def is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text("utf-8").rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="asks /proc whether a process runs")
def test_leaves_no_worker_behind_when_the_run_is_killed(tmp_path):
    note = tmp_path / "pid"
    run = get_context("spawn").Process(target=run_that_never_ends, args=(str(note),))
    run.start()
    assert wait_for(lambda: note.exists() and note.read_text("utf-8"))
    worker = int(note.read_text("utf-8"))
    assert is_running(worker)
    run.kill()
    run.join()
    assert wait_for(lambda: not is_running(worker))


def wait_for(holds: Callable[[], object], seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(holds())
