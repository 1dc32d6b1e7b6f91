"""What an agent's operator reads of each cause for which it takes no part: in words, and as fields."""

import json
from contextlib import nullcontext
from dataclasses import replace

import pytest

from client.agent.finding import Cause, Finding
from client.agent.home import AgentHome, AgentSettings
from client.agent.programs import supervision
from client.agent.status import enrolment, status, status_lines
from client.guard.ledger import Ledger, LedgerLine
from client.guard.site_policy import TaskKind
from client.releases.installed import Begun, Installed, write_installed
from client.releases.place import ReleasesPlace
from shared.federation.messages import Declined, DeclineReason, Failed, FailureCode
from shared.federation.wire import encode_reply
from shared.system.settings_file import to_toml
from tests.unit.client.guard.answers import NOON, asked, checked, trained
from tests.unit.shared.system.processes.leftovers import left_behind

SETTINGS = AgentSettings(server="shops.example:9443", name="north", data="/data/north")
SINCE = "2026-03-01T12:00:00+00:00"


@pytest.fixture
def home(tmp_path) -> AgentHome:
    made = AgentHome(tmp_path)
    made.state.mkdir()
    made.settings.write_bytes(to_toml(SETTINGS))
    return made


def seen(home: AgentHome, *, running: bool = True, **report) -> dict:
    """The status while an agent's supervisor has reported this."""
    (home.state / "report.json").write_text(json.dumps({"processes": [], "notes": [], **report}))
    with supervision(home).alone() if running else nullcontext():
        return status(home)


def answered(home: AgentHome, reply) -> None:
    passed = checked(encode_reply(reply), asked(TaskKind.TRAIN))
    Ledger(home.ledger).add(LedgerLine.left(passed, task="train", round_number=3, now=NOON))


def obstacle(cause: Cause) -> dict:
    return Finding(cause=cause, why=f"because of {cause}", do="mend it").to_json()


def test_one_that_takes_part_says_since_when_and_its_last_round(home) -> None:
    home.connection.write_text(json.dumps({"connected": True, "since": SINCE}))
    Ledger(home.ledger).add(LedgerLine.left(checked(trained()), task="train", round_number=3, now=NOON))
    found = seen(home, connected=True, obstacle=None)
    assert (found["connected"], found["since"], found["cause"], found["why"], found["do"]) == (True, SINCE, "", "", "")
    assert (found["last_answer"]["round"], found["last_answer"]["answer"]) == (3, "train-reply")
    lines = status_lines(found)
    assert lines[0] == f"north: connected to shops.example:9443 since {SINCE}"
    assert lines[1].startswith("last round: round 3, train: sent its trained encoder, or what")


@pytest.mark.parametrize(
    "cause",
    [
        Cause.UNREACHABLE,
        Cause.NAME_UNKNOWN,
        Cause.CERTIFICATE,
        Cause.NOT_ENROLLED,
        Cause.KEY_REFUSED,
        Cause.CLOCK,
        Cause.STARTING,
        Cause.CONNECTING,
    ],
)
def test_why_it_is_not_connected_and_what_to_do(home, cause) -> None:
    found = seen(home, connected=False, obstacle=obstacle(cause))
    assert (found["running"], found["connected"], found["cause"], found["do"]) == (True, False, cause, "mend it")
    lines = status_lines(found)
    assert lines[:3] == [
        "north: running, not connected to shops.example:9443",
        f"why: because of {cause}",
        "what to do: mend it",
    ]


def test_one_that_does_not_run_is_stopped(home) -> None:
    home.connection.write_text(json.dumps({"connected": False, "since": SINCE}))
    found = seen(home, running=False, connected=True)
    assert (found["running"], found["connected"], found["cause"]) == (False, False, "stopped")
    lines = status_lines(found)
    assert f"it was connected until {SINCE}" in lines[0]
    assert f"graft-client start {home.folder} --background" in lines[2]


def test_one_whose_supervisor_was_killed_names_what_it_left_running(home) -> None:
    with left_behind(home.state, "supernode") as process:
        found = seen(home, running=False, connected=True)
    assert (found["running"], found["cause"]) == (False, "killed")
    assert status_lines(found)[:3] == [
        "north: not supervised; its programs may be connected to shops.example:9443",
        f"why: its supervisor was killed, and 1 of its programs still run: supernode (process {process})",
        f"what to do: graft-client stop {home.folder} ends them, and so does the next graft-client start",
    ]


def test_whether_it_is_enrolled_says_only_an_agent_that_runs(home) -> None:
    def seen_by_preflight(**report) -> str:
        seen(home, running=False, **report)
        with supervision(home).alone():
            return enrolment(home).line()

    assert seen_by_preflight(connected=True, obstacle=None) == "enrolment: good"
    refused = seen_by_preflight(connected=False, obstacle=obstacle(Cause.KEY_REFUSED))
    assert refused == "enrolment: note: because of key-refused; mend it"
    not_looked_at = "enrolment: not looked at: only an agent that runs has tried its key; graft-client status says"
    assert seen_by_preflight(connected=False, obstacle=obstacle(Cause.CLOCK)) == not_looked_at
    assert enrolment(home).to_json() == {"check": "enrolment", "state": "not looked at"}


def test_one_that_was_killed_while_connected_says_when_it_connected_last(home) -> None:
    home.connection.write_text(json.dumps({"connected": True, "since": SINCE}))
    assert f"it connected last at {SINCE}" in status_lines(seen(home, running=False))[0]


@pytest.mark.parametrize(
    ("reply", "cause", "words"),
    [
        (Failed(round=3, code=FailureCode.DATA), "data", "its data cannot be read"),
        (Failed(round=3, code=FailureCode.REFUSED), "refused", "may not leave"),
        (Failed(round=3, code=FailureCode.HEAD_STORE), "head-store", "vault"),
        (Declined(round=3, reason=DeclineReason.TOO_FEW_USERS), "too-few-users", "fewer training users"),
        (Declined(round=3, reason=DeclineReason.SITE_POLICY), "site-policy", "site policy refused"),
    ],
)
def test_why_its_last_answer_was_no_result(home, reply, cause, words) -> None:
    answered(home, reply)
    found = seen(home, connected=True, obstacle=None)
    assert (found["connected"], found["cause"], found["last_answer"]["code"]) == (True, cause, cause)
    assert words in found["why"]
    assert any(line.startswith("what to do: ") for line in status_lines(found))


def test_a_failed_training_stands_behind_a_good_evaluation_of_its_round_alone(home) -> None:
    answered(home, Failed(round=3, code=FailureCode.HEAD_STORE))
    ledger, evaluated = Ledger(home.ledger), {"task": "evaluate", "kind": "evaluate-reply"}
    ledger.add(LedgerLine(time=SINCE, round=3, **evaluated))
    found = seen(home, connected=True, obstacle=None)
    assert (found["cause"], found["last_answer"]["task"]) == ("head-store", "evaluate")
    ledger.add(LedgerLine(time=SINCE, round=4, **evaluated))
    assert seen(home, connected=True, obstacle=None)["cause"] == ""


def test_each_code_that_can_leave_has_words_of_its_own(home) -> None:
    said = set()
    for code in FailureCode:
        answered(home, Failed(round=3, code=code))
        said.add(seen(home, connected=True, obstacle=None)["why"])
    assert len(said) == len(FailureCode)
    assert not any("without a result" in why for why in said)


def test_what_was_found_before_it_started_counts_until_it_has_answered(home) -> None:
    notes = [obstacle(Cause.TOO_FEW_USERS)]
    assert seen(home, connected=True, obstacle=None, notes=notes)["cause"] == "too-few-users"
    Ledger(home.ledger).add(LedgerLine.left(checked(trained()), task="train", round_number=3, now=NOON))
    assert seen(home, connected=True, obstacle=None, notes=notes)["cause"] == ""


def test_a_program_that_waits_for_its_enrolment_is_not_said_to_end_again_and_again(home) -> None:
    processes = [{"name": "supernode", "pid": 7, "restarts": 5}, {"name": "superexec", "pid": 8, "restarts": 0}]
    lines = status_lines(seen(home, connected=False, obstacle=obstacle(Cause.NOT_ENROLLED), processes=processes))
    assert "  supernode: tries to join every few seconds until the platform is enrolled" in lines
    assert "  superexec: process 8, started again 0 times" in lines
    later = status_lines(seen(home, connected=False, obstacle=obstacle(Cause.KEY_REFUSED), processes=processes))
    assert "  supernode: process 7, started again 5 times" in later


def test_which_release_is_installed_and_what_came_of_the_last_look(home) -> None:
    found = seen(home, connected=True, obstacle=None)
    assert (found["release"]["words"], found["release"]["version"]) == ("", None), "nobody asked for releases"
    place = ReleasesPlace(home.releases)
    place.trusted.mkdir(parents=True)
    place.pinned_root.write_text("{}")
    record = Installed().with_installed(3, (0,)).with_refused(4, "the gate keeps what it has").with_look("4 is worse")
    write_installed(place.installed, record)
    found = seen(home, connected=True, obstacle=None)
    assert record.looked is not None
    told = f"3 is installed; last looked {record.looked.time}: 4 is worse; looks when graft-client update is run"
    assert f"release: {told}" in status_lines(found)
    assert (found["release"]["version"], found["release"]["refused"]) == (3, {"4": "the gate keeps what it has"})
    write_installed(place.installed, replace(record, begun=Begun(version=5, digest="ab")))
    assert "a change to release 5 was cut off" in seen(home)["release"]["words"]
    place.installed.write_text("{")
    assert "cannot be read" in seen(home)["release"]["words"]
