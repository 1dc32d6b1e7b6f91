"""``graft-client parties``: who is known since when, who is new, whose key changed."""

import json
from datetime import UTC, datetime

import pytest

from client.agent.home import AgentHome
from client.agent.sum_key import own_party
from client.cli.parties import parties
from client.guard.site_policy import SitePolicy
from shared.errors import ConfigError
from shared.secure_sum.introduction import introductions_to_bytes
from shared.system.settings_file import to_toml
from tests.unit.client.agent.test_sum_key import SETTINGS, home  # noqa: F401
from tests.unit.shared.secure_sum.test_introduction import introduced

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def agent(home) -> AgentHome:  # noqa: F811
    """That met two others, then a third one, then another key of the second."""
    home.settings.write_bytes(to_toml(SETTINGS))
    own = own_party(home, SETTINGS)
    own.meet(introductions_to_bytes([introduced("south", 8), introduced("west", 9)]), NOON, first_use=True)
    further = [introduced("east", 10), introduced("south", 11), introduced("west", 9)]
    own.meet(introductions_to_bytes(further), NOON, first_use=True)
    return home


def test_shows_the_known_the_new_and_the_changed_and_how_to_accept_them(agent, capsys) -> None:
    parties(agent.folder)
    said = capsys.readouterr().out
    assert "has a new key for secure sums: send it" in said
    assert "north: this platform, SHA256:" in said
    assert "south: known since 2026-03-01T12:00:00+00:00, SHA256:" in said
    assert "east: new since" in said
    assert "south: another key since" in said
    assert f"known by {introduced('south', 8).fingerprint}" in said
    assert f"graft-client parties {agent.folder} --accept east --accept south" in said


def test_accepts_who_is_named_and_nobody_else(agent, capsys) -> None:
    parties(agent.folder, accept=["south"], as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert {kind: [one["name"] for one in listed] for kind, listed in told.items()} == {
        "known": ["south", "west"],
        "new": ["east"],
        "changed": [],
    }
    assert told["known"][0]["node"] == introduced("south", 11).fingerprint
    with pytest.raises(ConfigError, match=r"waits to be accepted \(east\); got south"):
        parties(agent.folder, accept=["south"])


def test_a_platform_that_knows_nobody_says_so(home, capsys) -> None:  # noqa: F811
    home.settings.write_bytes(to_toml(SETTINGS))
    parties(home.folder)
    assert "no platform is known yet" in capsys.readouterr().out


def test_platforms_are_taken_on_first_use_unless_the_policy_says_otherwise() -> None:
    assert SitePolicy().parties == "first-use"
    with pytest.raises(ConfigError, match="parties"):
        SitePolicy(parties="anybody")
