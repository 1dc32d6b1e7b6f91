"""Each cause for which a platform takes no part is named, with what to do, in ``status`` and in ``run``."""

import io
import json
from datetime import timedelta

import pytest
from rich.console import Console

import server.engine.followed_run as followed
import server.engine.standings as standings_module
import server.engine.status as status_module
from server.coordinator.certificates import new_authority, server_certificate
from server.engine.absences import absences_in
from server.engine.followed_run import PlainLines, View, follow
from server.engine.round_lines import HEADER, cells, kept_encoder, progress
from server.engine.standings import standings
from server.engine.status import status, status_lines
from server.rounds.sum_roster import LEFT_OUT, NO_SUM_KEY
from shared.errors import FederationError
from shared.federation.messages import DeclineReason, FailureCode
from tests.unit.server.engine.world import HOUR, NOON, World, record

AWAY = {
    "queued": "",
    "never-connected": "registered",
    "offline": "offline",
}
"""cause to what the engine says"""
CODES = [*map(str, FailureCode), *map(str, DeclineReason), LEFT_OUT, NO_SUM_KEY, "engine-12", "missing", "dropped"]


@pytest.fixture
def world(tmp_path, monkeypatch) -> World:
    for module in (standings_module, status_module, followed):
        monkeypatch.setattr(module, "supervision", lambda _home: Running())
    made = World(tmp_path)
    authority = new_authority(NOON)
    made.home.certificate.write_bytes(server_certificate(authority, ("localhost",), NOON).certificate)
    return made


class Running:
    """A server that runs."""

    def running(self) -> bool:
        return True

    def report(self) -> dict:
        return {"ready": True, "processes": []}

    def left(self) -> str:
        return ""


def seen(world: World, name: str) -> tuple[dict, str, str]:
    """What ``status --json`` has of a platform, what ``status`` says, and what ``run`` says."""
    found = status(world.home, now=NOON)
    (one,) = [one for one in found["platforms"] if one["name"] == name]
    json.dumps(found)
    return one, "\n".join(status_lines(found)), run_lines(world)


def run_lines(world: World, *records, **config) -> str:
    """What ``run`` prints where it is no terminal, of a run that has come so far."""
    run = world.run(*records, state="running", **config)
    said: list[str] = []
    platforms = tuple(standings(world.home, now=NOON))
    view = View(run=run, config=run.config(), history=[one.to_json() for one in records], platforms=platforms)
    PlainLines(said.append).show(view)
    return "\n".join(said)


@pytest.mark.parametrize("cause", AWAY)
def test_who_is_not_there_is_named_with_why_and_what_to_do(world, cause) -> None:
    world.enroll("films", AWAY[cause])
    one, lines, run = seen(world, "films")
    assert (one["connected"], one["connection"], one["cause"]) == (False, cause, cause)
    assert one["why"] in lines
    assert one["do"] in lines
    assert f"films: {cause}" in lines
    assert f"films: {cause}" in run
    assert one["do"] in run


def test_who_was_revoked_is_named(world) -> None:
    world.enroll("films", "online")
    world.register.revoke("films")
    one, lines, run = seen(world, "films")
    assert (one["state"], one["connected"], one["cause"]) == ("revoked", False, "revoked")
    assert "films: revoked" in lines
    assert "films: revoked: its key was revoked" in run


@pytest.mark.parametrize("code", CODES)
def test_why_an_answer_was_no_result_is_named(world, code) -> None:
    world.enroll("films", "online")
    world.enroll("shop", "online")
    kind = "declined" if code in list(DeclineReason) else code if code in ("missing", "dropped") else "failed"
    others = {"missing": ("films",), "dropped": {"films": "not finite"}}.get(kind, {"films": code})
    world.run(record("train", 1, ("shop",), **{kind: others}))
    one, lines, _ = seen(world, "films")
    run = run_lines(world, record("train", 1, ("shop",), **{kind: others}))
    assert (one["connected"], one["cause"]) == (True, code)
    asked = {"run": 1, "question": "train", "round": 1, "words": "train 1"}
    assert one["last_answer"] == {**asked, "cause": code, "why": one["why"]}
    assert "last answer: run 1, train 1: no result" in lines
    for said in (lines, run):
        assert one["why"] in said
        assert one["do"] in said
        assert f"({code})" not in said
    assert f"last without films: {one['why']}" in lines
    assert f"without films: {one['why']}" in run


def test_every_code_that_a_platform_can_tell_has_words_of_its_own() -> None:
    declined = {f"declining {number}": reason for number, reason in enumerate(DeclineReason)}
    asked = {"declined": declined, "missing": [], "dropped": {}}
    failed = {f"platform {number}": code for number, code in enumerate(FailureCode)}
    found = absences_in({**asked, "failed": failed})
    assert len({one.why for one in found.values()}) == len(FailureCode) + len(DeclineReason)
    assert "does not know" not in " ".join(one.why for one in found.values())


@pytest.mark.parametrize("code", [FailureCode.TOO_FEW_PARTIES, FailureCode.SUMS_TOO_CLOSE])
def test_the_operator_is_told_which_number_of_platforms_to_ask_for(code) -> None:
    found = absences_in({"declined": {}, "missing": [], "dropped": {}, "failed": {"films": f"{code}:5"}})
    assert found["films"].cause == code
    assert "--set least-parties=5" in found["films"].do


def test_who_evaluates_what_it_could_not_train_is_named_all_the_same(world) -> None:
    world.enroll("films", "online")
    world.enroll("shop", "online")
    asked = [record("train", 1, ("shop",), failed={"films": "head-store"}), record("evaluate", 1, ("films", "shop"))]
    world.run(*asked)
    one, lines, _ = seen(world, "films")
    assert (one["cause"], one["last_answer"]["question"]) == ("head-store", "evaluate")
    assert "last without films: its vault cannot be read or written" in lines
    view = View(run=world.run(*asked), config=None, history=[one.to_json() for one in asked], platforms=())
    assert view.missing().keys() == {"films"}


def test_an_absence_of_a_round_before_is_over(world) -> None:
    world.enroll("films", "online")
    world.run(record("train", 1, (), failed={"films": "data"}), record("train", 2, ("films",)))
    one, lines, _ = seen(world, "films")
    assert one["cause"] == ""
    assert "last without" not in lines


def test_who_did_not_answer_and_is_there_again_need_not_be_started(world) -> None:
    world.enroll("films", "online")
    world.run(record("train", 1, (), missing=("films",)))
    one, _, _ = seen(world, "films")
    assert (one["cause"], one["do"][:19]) == ("missing", "it is connected now")


def test_an_expired_certificate_is_named_as_why_nobody_is_there(world) -> None:
    world.enroll("films", "offline")
    world.enroll("shop", "registered")
    years_later = NOON + timedelta(days=5000)
    found = status(world.home, now=years_later)
    assert [one["cause"] for one in found["platforms"]] == ["certificate", "certificate"]
    assert found["certificate"]["expired"] is True
    lines = "\n".join(status_lines(found))
    assert "certificate: expired on 20" in lines
    assert f"graft-server certificate renew {world.home.folder}" in lines
    assert status(world.home, now=NOON)["certificate"]["expired"] is False


def test_who_takes_part_has_no_cause(world) -> None:
    world.enroll("shop", "online")
    world.run(record("train", 1, ("shop",)), record("evaluate", 1, ("shop",)))
    one, lines, run = seen(world, "shop")
    assert (one["connected"], one["cause"], one["do"]) == (True, "", "")
    assert one["since"] == "2026-03-01T10:00:00+00:00"
    assert "shop: connected since 2026-03-01 10:00 UTC, last answer: run 1, evaluate 1" in lines
    assert "shop: connected since 2026-03-01 10:00 UTC" in run


def test_who_says_nothing_any_more_is_offline_since_its_last_word(world) -> None:
    world.enroll("shop", "online", until=NOON - timedelta(minutes=1))
    one, _, _ = seen(world, "shop")
    assert (one["connection"], one["since"]) == ("offline", "2026-03-01T11:59:00+00:00")


def test_nobody_is_connected_while_the_server_does_not_run(world, monkeypatch) -> None:
    world.enroll("shop", "online")
    monkeypatch.setattr(Running, "running", lambda _self: False)
    (one,) = standings(world.home, now=NOON)
    assert (one.state, one.since, one.absence.do) == ("server-stopped", None, f"graft-server start {world.home.folder}")
    world.enroll("films")
    films = standings(world.home, now=NOON)[1]
    assert films.absence.do == "it is told once the server runs"


def test_who_has_just_been_enrolled_is_told_of_within_seconds(world) -> None:
    world.enroll("films")
    one, lines, run = seen(world, "films")
    assert "within seconds" in one["do"]
    assert "(queued)" not in lines + run


def test_who_never_connected_may_be_about_to_come(world) -> None:
    world.enroll("films", "registered")
    assert seen(world, "films")[0]["do"].startswith("where graft-client start runs there, it comes within a minute")


def test_the_two_evaluations_before_training_have_names_of_their_own(world) -> None:
    shop = ("shop",)
    judged = {"validation": {"shop": {"both": 0.25}}, "kept": True}
    steps = [record("evaluate", 0, shop, **judged), record("moments", 0, shop), record("evaluate", 0, shop, **judged)]
    history = [one.to_json() for one in steps]
    assert [cells(one, 3, history)[0] for one in history] == ["evaluate the start", "moments", "evaluate after moments"]
    world.enroll("shop", "online")
    world.run(*steps, rounds=3)
    assert seen(world, "shop")[0]["last_answer"]["words"] == "evaluate after moments"


def test_what_a_killed_server_left_running_is_named(world, monkeypatch) -> None:
    monkeypatch.setattr(Running, "running", lambda _self: False)
    monkeypatch.setattr(Running, "left", lambda _self: "its supervisor was killed, and 1 of its programs still run")
    found = status(world.home, now=NOON)
    assert (found["running"], found["cause"]) == (False, "killed")
    assert status_lines(found)[:3] == [
        "server: not running",
        "  why: its supervisor was killed, and 1 of its programs still run",
        f"  what to do: graft-server stop {world.home.folder} ends them, and so does the next graft-server start",
    ]
    world.enroll("shop", "online")
    assert standings(world.home, now=NOON)[0].connected


def test_asks_the_engine_where_its_database_does_not_tell(world, monkeypatch) -> None:
    world.enroll("shop", "online")
    world.home.database.write_bytes(b"of another form")
    monkeypatch.setattr(standings_module.FlwrCommand, "nodes", lambda _self: {1: "online"})
    (one,) = standings(world.home, now=NOON)
    assert (one.state, one.since) == ("connected", None)


def test_a_run_says_for_what_it_waits_and_who_is_there(world) -> None:
    world.enroll("shop", "online")
    world.enroll("films", "registered")
    assert "waits for 2 platforms, 60 seconds at most; 1 connected: shop" in run_lines(world, min_platforms=2)
    assert "asks shop; 600 seconds at most a question" in run_lines(world)


def test_lines_have_a_header_rounds_done_of_rounds_asked_and_the_time_left(world) -> None:
    world.enroll("shop", "online")
    said = run_lines(world, record("train", 1, ("shop",)), record("evaluate", 1, ("shop",)), rounds=3).splitlines()
    header = next(line for line in said if line.startswith("question"))
    assert header.split() == list(HEADER)
    assert any(line.startswith("train 1 of 3") and "1 of 1" in line for line in said)
    assert "  1 of 3 rounds, about 40 s left" in said


def test_a_platform_that_goes_amid_a_round_is_named_when_it_goes(world) -> None:
    world.enroll("shop", "online")
    run = world.run(state="running")
    said: list[str] = []
    lines = PlainLines(said.append)
    for now in (NOON, NOON, NOON + 2 * HOUR, NOON + 2 * HOUR):
        lines.show(View(run=run, config=run.config(), history=[], platforms=tuple(standings(world.home, now=now))))
    assert [line.split(":")[1].split()[0] for line in said if line.startswith("  shop: ")] == ["connected", "offline"]


def followed_to_its_end(world: World, run) -> str:
    out = io.StringIO()
    follow(run, world.home, Console(file=out, width=40))
    return out.getvalue()


def test_at_its_end_a_run_says_which_round_was_kept_and_its_score(world) -> None:
    world.enroll("shop", "online")
    judged = {"validation": {"shop": {"both": 0.25}, "films": {"both": 0.75}}, "kept": True}
    worse = {"validation": {"shop": {"both": 0.1}, "films": {"both": 0.1}}, "kept": False}
    both = ("films", "shop")
    steps = [record("train", 1, both), record("evaluate", 1, both, **judged)]
    run = world.run(*steps, record("train", 2, both), record("evaluate", 2, both, **worse, note="clearly worse"))
    said = followed_to_its_end(world, run)
    assert (
        "run 1 is completed: 2 of 2 rounds; it leaves the encoder after round 1, NDCG@10 0.5000 on 2 platforms: "
        in said
    )
    assert "clearly worse" in said
    found = status(world.home, now=NOON)
    assert found["runs"][0]["kept"] == {"round": 1, "score": 0.5, "platforms": 2, "words": "after round 1"}
    assert "1: completed, 2 of 2 rounds; leaves the encoder after round 1, NDCG@10 0.5000" in "\n".join(
        status_lines(found)
    )


def test_a_run_in_which_nobody_took_part_is_no_success(world) -> None:
    world.enroll("shop", "online")
    run = world.run(record("train", 1, (), failed={"shop": "data"}), rounds=1)
    with pytest.raises(FederationError, match="no platform took part: the encoder is as it was"):
        followed_to_its_end(world, run)
    assert (
        "1: completed, 1 of 1 rounds; no platform took part; last without shop: its data cannot be read"
        in "\n".join(status_lines(status(world.home, now=NOON)))
    )


def test_a_run_in_which_nobody_trained_says_so(world) -> None:
    world.enroll("shop", "online")
    judged = record("evaluate", 1, ("shop",), validation={"shop": {"both": 0.25}}, kept=True)
    failed = record("train", 1, (), failed={"shop": "head-store"})
    with pytest.raises(FederationError, match="no platform took part"):
        followed_to_its_end(world, world.run(failed, judged, rounds=1))
    said = followed_to_its_end(world, world.run(record("moments", 0, ("shop",)), failed, judged, rounds=1))
    assert "NDCG@10 0.2500 on 1 platform; no platform trained in it" in said


def test_what_nobody_evaluated_is_not_called_worse(world) -> None:
    history = [record("train", 1, ("shop",)).to_json(), record("evaluate", 1, (), missing=("shop",)).to_json()]
    assert cells(history[1], 1, history)[-1] == ""
    assert kept_encoder(history) == {"round": 1, "score": None, "platforms": 0, "words": "after round 1"}


def test_a_group_of_a_masked_run_is_named_with_who_is_in_it() -> None:
    groups = {"group-1": ("a", "b", "c"), "group-2": ("d", "e", "f")}
    why = {"group-2": "left out: it pulls against the others"}
    trained = record("train", 1, tuple("abcdef"), groups=groups, held_back=why).to_json()
    assert cells(trained, 1, [trained])[-1] == "group-2 (d, e, f) left out: it pulls against the others"
    worth = {name: {"both": 0.2} for name in groups}
    judged = record("evaluate", 1, tuple("abcdef"), groups=groups, validation=worth, kept=True).to_json()
    assert kept_encoder([trained, judged]) == {"round": 1, "score": 0.2, "platforms": 6, "words": "after round 1"}


def test_a_long_round_is_not_silent_and_a_trouble_is_told_once(world) -> None:
    world.enroll("shop", "online")
    run = world.run(state="running")
    said: list[str] = []
    lines = PlainLines(said.append)
    trained = [record("train", 1, ("shop",)).to_json()]
    for seconds, history in [(0.0, []), (3.0, []), (5.0, []), (6.0, []), (11.0, []), (0.0, trained), (4.4, trained)]:
        platforms, troubles = tuple(standings(world.home, now=NOON)), {"runs": "the engine gives no answer"}
        found = {"run": run, "config": run.config(), "history": history, "platforms": platforms}
        lines.show(View(**found, troubles=troubles, seconds=seconds))
    assert [line.strip() for line in said if "no question" in line] == [
        "no question is under way: 5 s since the last one",
        "no question is under way: 11 s since the last one",
        "no question is under way: 4 s since the last one",
    ]
    assert sum("trouble, runs: the engine gives no answer" in line for line in said) == 1


def test_a_run_that_fails_says_how_far_it_came(world) -> None:
    world.enroll("films", "registered")
    run = world.run(state="failed")
    with pytest.raises(
        FederationError,
        match=r"after 0 of 2 rounds: nobody came; it goes on with: graft-server run .* --resume 1",
    ):
        followed_to_its_end(world, run)


def test_without_an_evaluation_the_last_round_is_kept_and_nobody_judged_it() -> None:
    history = [record("train", number, ("shop",)).to_json() for number in (1, 2)]
    assert kept_encoder(history) == {"round": 2, "score": None, "platforms": 0, "words": "after round 2"}
    assert progress(history, 2) == "2 of 2 rounds"
    assert progress([], 2) == "0 of 2 rounds"
    assert progress(history, 3) == "2 of 3 rounds, about 10 s left"
    assert progress(history, 3, is_open=False) == "2 of 3 rounds"


def test_of_a_cohort_it_is_said_how_many_gave() -> None:
    line = record("train", 1, (), counts={"asked": 20, "reply": 17, "missing": 3}).to_json()
    assert cells(line, 3, [line])[HEADER.index("platforms")] == "17 of 20"
    judged = record("evaluate", 1, (), counts={"asked": 20, "reply": 16}, validation={"all": {"both": 0.2}}, kept=True)
    assert kept_encoder([line, judged.to_json()]) == {
        "round": 1, "score": 0.2, "platforms": 16, "words": "after round 1",
    }  # fmt: skip
