"""A joined device's process runs while the conditions hold, and rests outside them."""

import json
import sys
import threading
import time
from dataclasses import replace

import pytest

from client.guard.device_policy import DevicePolicy
from client.guard.ledger import Ledger, LedgerLine
from client.joined import keeping
from client.joined.conditions import Conditions
from client.joined.home import JoinedHome, JoinedSettings
from client.joined.joining import join
from client.joined.rounds_told import left, rounds, rounds_lines
from server.coordinator.certificates import new_authority
from shared.errors import ConfigError
from shared.secure_sum.sum_key_line import split_public_key
from shared.system.processes.keeper import Program
from shared.system.utc_clock import utc_now
from tests.device_world import write_device
from tests.unit.client.device.world import write_pack

READY = {"charging": True, "idle": True, "battery": 0.9, "network": "unmetered"}
SECONDS = 30


@pytest.fixture
def home(tmp_path, monkeypatch) -> JoinedHome:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "machine"))
    write_pack(tmp_path / "shop.pack")
    write_device(tmp_path / "device", tmp_path / "shop.pack")
    (tmp_path / "ca.crt").write_bytes(new_authority(utc_now()).certificate)
    settings = JoinedSettings(server="localhost:9", name="phone")
    return join(tmp_path / "device", settings, tmp_path / "ca.crt", DevicePolicy())


def test_what_is_made_is_for_its_owner_alone(home) -> None:
    private = (home.folder, home.key, home.policy, home.settings)
    assert {path.stat().st_mode & 0o077 for path in private} == {0}
    assert split_public_key(home.public_key.read_text())[1] is not None


def test_a_device_joins_once(home, tmp_path) -> None:
    with pytest.raises(ConfigError, match="has joined already"):
        join(tmp_path / "device", JoinedSettings(server="h:9", name="phone"), tmp_path / "ca.crt", DevicePolicy())


def sleeper(home: JoinedHome) -> Program:
    command = (sys.executable, "-c", "import time; time.sleep(600)")
    return Program(name="supernode", command=command, environment={}, folder=home.state)


def until(holds) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_nothing_runs_and_nobody_is_asked_while_it_rests(home, tmp_path, monkeypatch) -> None:
    state = tmp_path / "state.json"
    state.write_text(json.dumps(READY))
    ends, looks = threading.Event(), []
    monkeypatch.setattr(keeping, "asked_to_stop", lambda: ends.is_set)
    monkeypatch.setattr(keeping, "node_program", lambda home, _settings, _port: sleeper(home))
    monkeypatch.setattr("client.agent.door.Door.look", lambda _door: looks.append(1))
    conditions = Conditions(device_state=f"file:{state}", look_seconds=0.5)
    settings = replace(JoinedSettings(server="localhost:9", name="phone"), conditions=conditions)
    kept = threading.Thread(target=keeping.keep, args=(home, settings))
    kept.start()
    try:

        def report() -> dict:
            return keeping.supervision(home).report()

        def runs() -> bool:
            return any(process["pid"] for process in report().get("processes", []))

        until(runs)
        state.write_text(json.dumps({**READY, "charging": False}))
        until(lambda: report().get(keeping.RESTS) and not runs())
        asked = len(looks)
        assert "rests: it is not charged now" in rounds_lines(rounds(home))[0]
        time.sleep(1.5)
        assert len(looks) == asked
        state.write_text(json.dumps(READY))
        until(lambda: runs() and not report()[keeping.RESTS])
    finally:
        ends.set()
        kept.join(SECONDS)


def test_what_left_is_told_and_counts_for_its_day(home) -> None:
    assert left(home) == []
    line = LedgerLine(time="2026-05-04T10:00:00+00:00", round=1, task="sum", kind="sum-reply", bytes=700, encoder="ab")
    Ledger(home.ledger).add(line)
    Ledger(home.ledger).add(replace(line, time="2026-05-05T10:00:00+00:00", bytes=800))
    assert keeping.sent_on(home, "2026-05-04") == 700
    standing = rounds(home)
    assert (standing["rounds"], standing["answers"], standing["bytes"], standing["running"]) == (1, 2, 1500, False)
    assert standing["spent_epsilon"] == 0.0
    assert len(left(home)) == 2
