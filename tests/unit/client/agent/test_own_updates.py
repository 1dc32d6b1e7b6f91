"""A running agent looks for releases by itself, as often as its settings say, and never twice at once."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from client.agent.home import AgentHome, AgentSettings
from client.agent.own_updates import PAUSE_SECONDS, OwnUpdates
from client.releases.installed import Installed, read_installed, write_installed
from client.releases.place import ReleasesPlace
from shared.errors import ConfigError
from shared.system.settings_file import to_toml

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path) -> AgentHome:
    made = AgentHome(tmp_path / "agent")
    for folder in (made.state, made.logs, made.releases):
        folder.mkdir(parents=True)
    return made


def updates(home, hours, seconds=lambda: 0.0) -> OwnUpdates:
    settings = AgentSettings(server="shops.example:9443", name="north", data="/data", update_every=hours)
    home.settings.write_bytes(to_toml(settings))
    return OwnUpdates(home=home, settings=settings, seconds=seconds, now=lambda: NOW)


def looked(home, ago: timedelta) -> None:
    record = Installed().with_look("release 3 is the newest, and installed")
    assert record.looked is not None
    object.__setattr__(record.looked, "time", (NOW - ago).isoformat())
    write_installed(ReleasesPlace(home.releases).installed, record)


def test_it_never_looks_unless_it_is_told_to(home) -> None:
    assert not updates(home, 0.0).look()
    assert not (home.logs / "update.log").exists()


@pytest.mark.parametrize(("ago", "due"), [(5.9, False), (6.0, True)])
def test_it_looks_as_often_as_it_is_told_to(home, ago, due) -> None:
    looked(home, timedelta(hours=ago))
    own = updates(home, 6.0)
    assert own.look() == due
    own.end()


def test_one_process_at_a_time_and_a_pause_between_two(home) -> None:
    clock = [0.0]
    own = updates(home, 1.0, lambda: clock[0])
    assert own.look()
    log = home.logs / "update.log"
    assert own.look(), "it runs on"
    deadline = time.monotonic() + 60
    while own.look():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    said = log.read_text()
    assert "ca.crt: cannot be read" in said, "the command itself ran"
    clock[0] = PAUSE_SECONDS - 1
    assert not own.look()
    assert log.read_text() == said
    clock[0] = PAUSE_SECONDS
    assert own.look()
    own.end()
    assert not own.look()


def test_a_record_that_cannot_be_read_is_a_trouble_of_the_agent(home) -> None:
    ReleasesPlace(home.releases).installed.write_text("[]")
    with pytest.raises(ConfigError, match="cannot be read"):
        updates(home, 1.0).look()
    ReleasesPlace(home.releases).installed.unlink()
    assert read_installed(ReleasesPlace(home.releases).installed) == Installed()
