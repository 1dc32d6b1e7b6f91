"""When a device takes part: its state from a file or a command, and its bytes of a day."""

import json
import sys
from pathlib import Path

import pytest

from client.joined.conditions import Conditions
from shared.errors import ConfigError
from shared.system.settings_file import read_settings, to_toml

READY = {"charging": True, "idle": True, "battery": 0.9, "network": "unmetered"}


def conditions(folder: Path, state: object, **changes) -> Conditions:
    (folder / "state.json").write_text(state if isinstance(state, str) else json.dumps(state))
    return Conditions(device_state=f"file:{folder / 'state.json'}", **changes)


def test_a_device_that_is_ready_takes_part(tmp_path) -> None:
    assert conditions(tmp_path, READY).obstacle(sent_today=0) == ""


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"charging": False}, "not charged"),
        ({"charging": "yes"}, "not charged"),
        ({"idle": False}, "in use"),
        ({"battery": 0.2}, "less than 50%"),
        ({"battery": None}, "less than 50%"),
        ({"network": "cellular"}, "no network of unmetered"),
        ({"network": ["unmetered"]}, "no network of unmetered"),
    ],
)
def test_each_condition_keeps_it_out(tmp_path, changed, why) -> None:
    assert why in conditions(tmp_path, {**READY, **changed}).obstacle(sent_today=0)


def test_what_is_not_asked_for_need_not_hold(tmp_path) -> None:
    open_to_all = {"only_charging": False, "only_idle": False, "least_battery": 0.0, "networks": ()}
    assert conditions(tmp_path, {}, **open_to_all).obstacle(sent_today=0) == ""


@pytest.mark.parametrize("state", ["", "[1]", '{"charging": tr'])
def test_a_state_that_cannot_be_read_keeps_it_out(tmp_path, state) -> None:
    assert "cannot be read" in conditions(tmp_path, state).obstacle(sent_today=0)


def test_a_state_that_is_missing_keeps_it_out(tmp_path) -> None:
    assert "cannot be read" in Conditions(device_state=f"file:{tmp_path / 'none'}").obstacle(sent_today=0)


def test_a_command_says_the_state(tmp_path) -> None:
    (tmp_path / "state.py").write_text(f"print({json.dumps(json.dumps(READY))})")
    assert Conditions(device_state=f"command:{sys.executable} {tmp_path / 'state.py'}").obstacle(sent_today=0) == ""
    assert "cannot be read" in Conditions(device_state="command:false").obstacle(sent_today=0)


def test_the_bytes_of_a_day_count_whatever_the_state() -> None:
    assert Conditions(daily_bytes=10).obstacle(sent_today=9) == ""
    assert "10 bytes have left today" in Conditions(daily_bytes=10).obstacle(sent_today=10)
    assert Conditions(daily_bytes=0).obstacle(sent_today=2**40) == ""


def test_settings_come_back_from_their_file(tmp_path) -> None:
    asked = Conditions(device_state="file:/run/app/state", networks=("home", "office"), least_battery=0.25)
    (tmp_path / "settings.toml").write_bytes(to_toml(asked))
    assert read_settings(Conditions, tmp_path / "settings.toml") == asked


@pytest.mark.parametrize("source", ["file:", "state.json", "socket:x"])
def test_another_kind_of_source_is_refused(source) -> None:
    with pytest.raises(ConfigError, match="device-state must be file:PATH, command:WORDS or empty"):
        Conditions(device_state=source)
