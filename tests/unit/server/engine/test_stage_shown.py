"""What is asked now, and who has answered, stands where a run is followed, and in the server's status."""

from server.engine.followed_run import View
from server.engine.status import _run, _run_line
from server.rounds.told_stage import StageTeller
from tests.unit.server.engine.world import World, record


def view_of(run) -> View:
    return View(run=run, config=run.config(), history=run.history(), platforms=(), seconds=3.0, stage=run.stage())


def test_names_the_stage_and_who_is_awaited_while_the_run_is_under_way(tmp_path) -> None:
    run = World(tmp_path / "server").run(record("train", 1, ("north",)), state="running")
    StageTeller(run.out).begins(2, "agree", ["south"])
    assert "sum 2: agreement, awaits south" in _run_line(_run(run), "here")
    assert view_of(run).now() == "sum 2: agreement: 3 s so far; awaits south"


def test_names_a_plain_runs_question_and_who_has_answered(tmp_path) -> None:
    run = World(tmp_path / "server").run(record("train", 1, ("north",)), state="running")
    teller = StageTeller(run.out)
    teller.begins(1, "evaluate", ["north", "south"])
    teller.hears(["north"])
    assert view_of(run).under_way() == (
        "evaluation of round 1: 3 s so far; awaits south; north answered",
        "600 seconds at most a question",
    )


def test_a_run_in_a_queue_asks_nobody(tmp_path) -> None:
    run = World(tmp_path / "server").run(state="queued")
    assert view_of(run).under_way() == (
        "queued: begun within seconds once the server runs, or when the run before it ends",
    )


def test_names_none_once_it_is_over(tmp_path) -> None:
    run = World(tmp_path / "server").run(record("train", 2, ("north",)), state="completed")
    StageTeller(run.out).begins(2, "open", ["south"])
    assert "awaits" not in _run_line(_run(run), "here")


def test_a_run_that_failed_says_with_what_it_goes_on(tmp_path) -> None:
    run = World(tmp_path / "server").run(state="failed")
    assert _run_line(_run(run), "here").endswith("nobody came; it goes on with: graft-server run here --resume 1")
