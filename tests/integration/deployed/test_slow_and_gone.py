"""A run that needs not every platform: one is too slow for a round, another one leaves for ever."""

import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import psutil
import pytest

from client.agent.home import AgentHome
from client.agent.programs import TASKS
from client.guard import warm_start
from server.coordinator.run_book import OPEN, Run, RunBook
from tests.integration.deployed.deployment import SECONDS, Deployment, processes_of
from tests.integration.deployed.kill_trial import CONFIG, NAMES, asked, federation, heads_of

pytestmark = [pytest.mark.engine, pytest.mark.slow]
SLOW, GONE = "south", "west"
DEADLINE = 60.0
"""seconds; after about 63 the engine itself would give a task up that no longer says that it lives"""
ANY = replace(CONFIG, rounds=4, min_platforms=2, require_all=False, deadline_seconds=DEADLINE)
QUESTIONS = ("moments", 0), ("train", 1), ("train", 2), ("train", 3), ("train", 4)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Iterator[Deployment]:
    """Every agent ready to begin a task at once, so that only who is held back is slow."""
    with federation(tmp_path_factory.mktemp("slow-and-gone")) as one:
        one.wait_until(lambda: all((AgentHome(one.agent(name)).state / TASKS).exists() for name in NAMES))
        yield one


@pytest.fixture(scope="module")
def run(made) -> Run:
    """One platform's task is stopped in round 1 until that is over; another's processes are killed after round 2."""
    made.on_server("run", "--detach", *asked(ANY))
    (run,) = RunBook(made.server / "runs").runs()
    made.wait_until(lambda: len(run.history()) >= 1)
    stopped = stop_tasks_until(made, lambda: len(run.history()) >= 2)
    assert stopped, made.logs()
    for task in stopped:
        with suppress(psutil.NoSuchProcess):
            task.send_signal(signal.SIGCONT)
    made.wait_until(lambda: len(run.history()) >= 3)
    while found := processes_of(made.agent(GONE)):
        for one in found:
            one.kill()
    made.wait_until(lambda: run.standing().state not in OPEN)
    assert run.standing().state == "completed", f"{run.standing()}{made.logs()}"
    return run


def stop_tasks_until(made: Deployment, over) -> list[psutil.Process]:
    """SIGSTOP to each process of the slow platform that works on a task, as soon as it is there; which they were."""
    (copied,) = [one for one in processes_of(made.agent(SLOW)) if warm_start.__file__ in one.cmdline()]
    stopped: dict[int, psutil.Process] = {}
    deadline = time.monotonic() + SECONDS
    while not over():
        assert time.monotonic() < deadline, made.logs()
        for task in copied.children():
            stopped.setdefault(task.pid, task).suspend()
        time.sleep(0.02)
    return list(stopped.values())


def test_a_round_is_taken_without_a_platform_whose_task_outlives_its_deadline_and_names_it(run) -> None:
    one = round_of(run, 1)
    assert (named(one), one["platforms"], one["note"]) == ([SLOW], [name for name in NAMES if name != SLOW], "")
    assert one["seconds"] >= DEADLINE - 1


def test_who_was_slow_is_asked_in_the_next_round_and_counts_again(run) -> None:
    assert round_of(run, 2)["platforms"] == list(NAMES)


def test_rounds_pass_without_a_platform_that_left_for_ever_and_name_it(run) -> None:
    left = [name for name in NAMES if name != GONE]
    assert [(one["kind"], one["round"]) for one in run.history()] == list(QUESTIONS)
    assert [round_of(run, number)["platforms"] for number in (3, 4)] == [left, left]
    assert GONE in named(round_of(run, 3))


def test_a_platform_that_left_keeps_its_head(run, made) -> None:
    assert heads_of(made.agent(GONE))


def round_of(run: Run, number: int) -> dict[str, Any]:
    (found,) = [one for one in run.history() if (one["kind"], one["round"]) == ("train", number)]
    return found


def named(one: dict[str, Any]) -> list[str]:
    """Whose answer is not there: by the server's deadline, or by the engine's word that the question is too old."""
    return [*one["missing"], *one["failed"]]
