"""Runs on record are brought to their end; the engine here is one whose runs end when the test says so."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from server.aggregation.size_classes import SizeClasses
from server.coordinator.enrolment import Enrolment
from server.coordinator.home import ServerHome
from server.coordinator.run_book import Run, RunBook
from server.engine.run_keeper import LOOK_SECONDS, MOST_IDLE, RunKeeper
from server.rounds.checkpoints import CHECKPOINT_FILE, ENCODER_FILE, HISTORY_FILE, save_outcome
from shared.federation.config import RoundsConfig
from tests.unit.server.engine.world import record

KEEP = 2


@dataclass
class Engine:
    submitted: list[dict[str, object]] = field(default_factory=list)
    statuses: dict[int, str] = field(default_factory=dict)
    stopped: list[int] = field(default_factory=list)
    signs: bool = False
    """whether its database tells of runs that go on"""
    asked: int = 0

    def submit(self, app: Path, config: dict[str, object]) -> int:
        assert (app / "server" / "app.py").exists()
        self.submitted.append(config)
        self.statuses[len(self.submitted)] = "running"
        return len(self.submitted)

    def surely_runs(self, run: int) -> bool:
        return self.signs and self.statuses[run] == "running"

    def run_status(self, run: int) -> str:
        self.asked += 1
        return self.statuses[run]

    def stop_run(self, run: int) -> None:
        self.stopped.append(run)


@dataclass
class World:
    home: ServerHome
    engine: Engine
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.home.runs.mkdir()
        self.keeper = RunKeeper(home=self.home, engine=self.engine, now=lambda: self.seconds, keep_runs=KEEP)

    def add(self) -> Run:
        return RunBook(self.home.runs).add(RoundsConfig(rounds=3), b"an encoder")

    def look(self) -> None:
        self.seconds += LOOK_SECONDS
        self.keeper.look()

    def cut_off(self) -> None:
        self.engine.statuses[len(self.engine.submitted)] = "finished:failed"

    def steps(self, run: Run, content: bytes) -> None:
        run.out.mkdir(exist_ok=True)
        (run.out / CHECKPOINT_FILE).write_bytes(content)


@pytest.fixture
def world(tmp_path) -> World:
    return World(ServerHome(tmp_path), Engine())


def test_submits_one_run_after_the_other_with_its_folder_and_the_wish_to_go_on(world) -> None:
    first, second = world.add(), world.add()
    world.look()
    world.look()
    (config,) = world.engine.submitted
    assert (config["out"], config["encoder"], config["resume"]) == (str(first.out), str(first.start), True)
    assert (config["rounds"], first.start.read_bytes()) == (3, b"an encoder")
    assert (first.standing().state, second.standing().state) == ("running", "queued")


def test_submits_the_size_classes_that_are_registered_then(world) -> None:
    register = Enrolment(world.home.platforms)
    register.enroll("shop", "key a", 3000)
    register.enroll("films", "key b")
    world.add()
    world.look()
    (config,) = world.engine.submitted
    assert SizeClasses.from_text(config["classes"]) == SizeClasses({"shop": 4096})


def test_a_completed_run_leaves_its_encoder_to_the_next(world) -> None:
    run = world.add()
    world.look()
    world.steps(run, b"checkpoint")
    (run.out / ENCODER_FILE).write_bytes(b"a better encoder")
    save_outcome(run.out, "")
    world.look()
    assert run.standing().state == "completed"
    assert world.home.encoder.read_bytes() == b"a better encoder"
    world.look()
    assert len(world.engine.submitted) == 1


def test_a_failed_run_says_why_and_changes_no_encoder(world) -> None:
    run = world.add()
    world.look()
    save_outcome(run.out, "expected at least 2 platforms")
    world.look()
    assert (run.standing().state, run.standing().reason) == ("failed", "expected at least 2 platforms")
    assert not world.home.encoder.exists()


def test_a_run_that_was_cut_off_is_submitted_again_as_long_as_it_steps_forward(world) -> None:
    run = world.add()
    world.look()
    for number in range(2 * MOST_IDLE):
        world.steps(run, f"checkpoint {number}".encode())
        world.cut_off()
        world.look()
    assert run.standing().state == "running"
    assert len(world.engine.submitted) == 1 + 2 * MOST_IDLE


def test_asks_the_engine_only_where_its_database_does_not_tell(world) -> None:
    world.look()
    assert world.engine.asked == 0
    run = world.add()
    world.look()
    for signs, asked in ((True, 0), (False, 3)):
        world.engine.signs = signs
        for _ in range(3):
            world.look()
        assert world.engine.asked == asked
    world.engine.signs = True
    world.cut_off()
    world.look()
    assert (world.engine.asked, len(world.engine.submitted)) == (4, 2)
    assert run.standing().submissions == 2


def test_a_run_that_never_steps_forward_fails_in_the_end(world) -> None:
    run = world.add()
    world.look()
    for _ in range(MOST_IDLE):
        world.cut_off()
        world.look()
    assert run.standing().state == "failed"
    assert "without a step forward" in run.standing().reason
    assert len(world.engine.submitted) == MOST_IDLE


def test_a_wish_to_stop_is_followed_whether_it_runs_or_waits(world) -> None:
    for looks, stopped in ((0, []), (1, [1])):
        run = world.add()
        for _ in range(looks):
            world.look()
        run.ask_to_stop()
        world.look()
        assert run.standing().state == "stopped"
        assert world.engine.stopped == stopped


def test_what_a_run_said_before_it_was_queued_again_does_not_count(world) -> None:
    run = world.add()
    world.look()
    save_outcome(run.out, "nobody came")
    world.look()
    run.stands(type(run.standing())(state="queued"))
    world.look()
    world.look()
    assert run.standing().state == "running"


def test_a_supervisor_that_comes_later_finds_the_run_where_it_stands(world) -> None:
    run = world.add()
    world.look()
    later = World.__new__(World)
    later.home, later.engine, later.seconds = world.home, world.engine, 0.0
    later.keeper = RunKeeper(home=world.home, engine=world.engine, now=lambda: later.seconds, keep_runs=KEEP)
    world.cut_off()
    later.look()
    assert len(world.engine.submitted) == 2
    assert run.standing().submissions == 2


def test_half_written_runs_do_not_count_and_their_numbers_are_not_taken_again(world) -> None:
    (world.home.runs / "0007").mkdir()
    assert RunBook(world.home.runs).runs() == []
    assert world.add().number == 8


def test_its_log_has_a_line_for_each_question_once(world, caplog) -> None:
    caplog.set_level("INFO", logger="graft.server")
    run = world.add()
    world.look()
    history = [record("train", number, ("north",), failed={"south": "data"}).to_json() for number in (1, 2)]
    for number in (1, 1, 2):
        run.out.mkdir(exist_ok=True)
        (run.out / HISTORY_FILE).write_text(json.dumps(history[:number]))
        world.look()
    said = [line for line in caplog.messages if "train" in line]
    assert said == [
        f"run 1: train {number} of 3: 1 of 2 platforms answered, 2.0 MiB, 10 s; without south: its data cannot be read"
        for number in (1, 2)
    ]


def test_a_run_that_ends_makes_old_ones_small(world) -> None:
    runs = [world.add() for _ in range(KEEP + 1)]
    for run in runs:
        world.look()
        world.steps(run, b"checkpoint")
        (run.out / ENCODER_FILE).write_bytes(b"a better encoder")
        save_outcome(run.out, "")
        world.look()
    assert [(run.out / CHECKPOINT_FILE).exists() for run in runs] == [False, True, True]
    assert all(run.encoder.exists() for run in runs)
