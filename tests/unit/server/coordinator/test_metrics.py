"""What a coordinator tells Prometheus is what stands in its folder, under names that say nothing of anybody."""

import json
from datetime import timedelta

import pytest

from server.coordinator.certificates import expiry
from server.coordinator.enrolment import Enrolment
from server.coordinator.home import ServerSettings
from server.coordinator.metrics import ServerMetrics
from server.coordinator.new_coordinator import make_coordinator
from server.coordinator.run_book import RunBook, Standing
from shared.encoder.file import EncoderCard, save_encoder
from shared.federation.config import RoundsConfig
from tests.federation_world import START
from tests.unit.server.coordinator.test_certificates import NOW
from tests.unit.shared.samples import samples

REPORT = {
    "ready": True,
    "online": 1,
    "processes": [{"name": "superlink", "pid": 7, "restarts": 2}, {"name": "proxy", "pid": None, "restarts": 0}],
}


def record(kind: str, number: int, **changes) -> dict:
    """A line of a run's history, of two platforms."""
    fields = {"kind": kind, "round": number, "seconds": 4.5, "bytes_down": 100, "bytes_up": 30}
    return {**fields, "failed": {}, "declined": {}, "dropped": {}, "missing": [], **changes}


@pytest.fixture
def home(tmp_path):
    save_encoder(tmp_path / "start.safetensors", START, EncoderCard())
    made = make_coordinator(tmp_path / "home", tmp_path / "start.safetensors", ServerSettings(), now=NOW)
    return made.home


@pytest.fixture
def figures(home) -> ServerMetrics:
    now = expiry(home.certificate) - timedelta(days=12)
    return ServerMetrics(home=home, report=lambda: REPORT, now=lambda: now)


def test_counts_platforms_programs_and_days(home, figures) -> None:
    register = Enrolment(home.platforms)
    for name in ("north", "south", "west"):
        register.enroll(name, f"key {name}")
    register.revoke("west")
    found = samples(figures)
    assert found["graft_server_ready"] == 1
    assert found["graft_server_certificate_days"] == 12
    assert [found[f"graft_server_platforms state={state}"] for state in ("enrolled", "revoked", "online")] == [2, 1, 1]
    assert found["graft_server_program_restarts_total program=superlink"] == 2
    assert found["graft_server_program_running program=proxy"] == 0


def test_adds_up_the_rounds_of_all_runs_and_tells_the_newest(home, figures) -> None:
    histories = [
        [record("train", 1, failed={"north": "data", "south": "engine-13"}), record("train", 2, missing=["north"])],
        [record("moments", 0, declined={"north": "too-few-users"}), record("train", 1, seconds=9.0)],
    ]
    for history in histories:
        run = RunBook(home.runs).add(RoundsConfig(rounds=3), b"an encoder")
        run.out.mkdir()
        (run.out / "rounds.json").write_text(json.dumps(history))
    RunBook(home.runs).get(1).stands(Standing(state="completed"))
    found = samples(figures)
    assert (found["graft_server_runs state=completed"], found["graft_server_runs state=queued"]) == (1, 1)
    assert (found["graft_server_round"], found["graft_server_rounds_asked"]) == (1, 3)
    assert (found["graft_server_bytes_total direction=out"], found["graft_server_bytes_total direction=in"]) == (
        400,
        120,
    )
    assert found["graft_server_round_seconds kind=train"] == 9.0
    codes = {name.partition("=")[2]: times for name, times in found.items() if "failures" in name and times}
    assert codes == {"data": 1, "engine": 1, "missing": 1, "too-few-users": 1}


def test_names_no_platform(home, figures) -> None:
    Enrolment(home.platforms).enroll("north", "a key")
    assert "north" not in str(samples(figures))
