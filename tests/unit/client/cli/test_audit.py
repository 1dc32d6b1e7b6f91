"""``graft-client audit``: what left is told in words and as JSON, and so is what was held back."""

import json

import pytest
from typer.testing import CliRunner

from client.cli.main import app
from client.guard.ledger import PLACE, Ledger, LedgerLine, read_audit
from shared.errors import ConfigError
from tests.unit.client.guard.answers import NOON, checked, trained


@pytest.fixture
def agent(tmp_path):
    ledger = Ledger(tmp_path / PLACE)
    ledger.add(LedgerLine.left(checked(trained()), task="train", round_number=3, now=NOON))
    ledger.add(LedgerLine.kept("a metric that is not listed", task="train", round_number=4, now=NOON))
    return tmp_path


def test_tells_what_left_when_and_how_many_bytes(agent) -> None:
    size = checked(trained()).bytes
    done = CliRunner().invoke(app, ["audit", str(agent)])
    lines = done.output.splitlines()
    assert lines[0] == f"{agent}: 1 answer left this platform, {size:,} bytes in all"
    assert lines[1].endswith(f"what changed in it: 1 time, {size:,} bytes")
    assert lines[2] == "1 answer did not leave: the guard held them back"
    assert lines[3].startswith(
        "2026-03-01 12:00:00 UTC  round 3, train: sent its trained encoder, or what changed in it; encoder int16 ["
    )
    assert lines[3].endswith(f"]; metrics encoder, head; of about 128 users; {size:,} bytes")
    assert lines[4] == "2026-03-01 12:00:00 UTC  round 4, train: held back: a metric that is not listed"


def test_tells_the_same_as_json(agent) -> None:
    found = json.loads(CliRunner().invoke(app, ["audit", str(agent), "--json"]).output)
    assert (found["left"][0]["round"], found["held_back"][0]["round"]) == (3, 4)
    assert found["bytes"] == found["left"][0]["bytes"] > 0
    assert found["unreadable_lines"] == []


def test_warns_of_lines_that_cannot_be_read(agent) -> None:
    (agent / PLACE).write_text("cut of")
    assert "these lines of the ledger cannot be read: 1" in read_audit(agent).text()


def test_says_that_nothing_has_left_and_that_there_is_no_folder(tmp_path) -> None:
    assert read_audit(tmp_path).text() == [f"{tmp_path}: 0 answers left this platform, 0 bytes in all"]
    with pytest.raises(ConfigError, match="expected an agent's folder"):
        read_audit(tmp_path / "none")
