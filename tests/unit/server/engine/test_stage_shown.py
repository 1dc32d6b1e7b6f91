"""The stage of a secure sum stands where a run is followed, and in the server's status."""

from server.engine.followed_run import View
from server.engine.status import _run, _run_line
from server.rounds.kept_sums import KeptSums
from tests.unit.server.engine.world import World, record


def test_names_the_stage_and_who_is_awaited_while_the_run_is_under_way(tmp_path) -> None:
    run = World(tmp_path / "server").run(record("train", 1, ("north",)), state="running")
    KeptSums(run.out).begins(2, "agree", ["south"])
    assert "agreement, awaits south" in _run_line(_run(run))
    view = View(run=run, config=run.config(), history=run.history(), platforms=(), seconds=3.0, stage=run.stage())
    assert view.now() == "round 2 of 2: 3 s so far; agreement, awaits south"


def test_names_none_once_it_is_over(tmp_path) -> None:
    run = World(tmp_path / "server").run(record("train", 2, ("north",)), state="completed")
    KeptSums(run.out).begins(2, "open", ["south"])
    assert "awaits" not in _run_line(_run(run))
