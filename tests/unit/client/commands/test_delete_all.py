"""``graft-client delete-all``: nothing learnt is left, the platform's own things are, and it asks first."""

import pytest
from typer.testing import CliRunner

from client.cli import app
from client.commands.delete_all import RUNNING, Erasure
from client.guard.ledger import PLACE, Ledger, LedgerLine
from client.serving.private_folder import open_private_folder
from client.vault.vault import Vault
from shared.errors import ConfigError
from shared.file_lock import file_lock
from tests.unit.client.guard.answers import NOON
from tests.unit.client.vault.vaults import key_file

CANARY = b"user-4711"


@pytest.fixture
def agent(tmp_path):
    folder = tmp_path / "agent"
    Vault.make(folder / "vault", key_file(tmp_path / "vault.key")).write("head", CANARY)
    (folder / "vault" / "old.head").write_bytes(CANARY)
    Ledger(folder / PLACE).add(LedgerLine.kept("too large", task="train", round_number=1, now=NOON))
    for name in ("settings.toml", "node.key", "logs/superexec.log", "state/engine/apps/x.py"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"own" if "/" not in name else CANARY)
    return folder


def left(folder) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_erases_all_that_was_learnt_and_keeps_what_is_the_platforms_own(agent) -> None:
    done = CliRunner().invoke(app, ["delete-all", str(agent), "--yes"])
    assert done.exit_code == 0, done.output
    assert left(agent) == {"settings.toml", "node.key", str(PLACE)}
    assert "can subtract this platform's moments" in done.output


def test_asks_first_and_changes_nothing_where_the_answer_is_no(agent) -> None:
    before = left(agent)
    done = CliRunner().invoke(app, ["delete-all", str(agent)], input="n\n")
    assert "are erased for good" in done.output
    assert left(agent) == before


def test_refuses_while_the_agent_runs_and_where_there_is_none(agent, tmp_path) -> None:
    (agent / RUNNING).touch()
    with file_lock(agent / RUNNING), pytest.raises(ConfigError, match="the agent runs"):
        Erasure.of(agent)
    with pytest.raises(ConfigError, match="no agent's folder"):
        Erasure.of(tmp_path)


def test_erases_what_callers_reported_and_the_key_that_opens_it(agent, tmp_path) -> None:
    key = f"file:{tmp_path / 'vault.key'}"
    open_private_folder(agent / "vault", key).journal().append([{"user": CANARY.decode()}])
    assert len(open_private_folder(agent / "vault", key).reported()) == 1
    Erasure.of(agent).erase()
    assert not (agent / "vault").exists()
    with pytest.raises(ConfigError, match="holds no vault"):
        open_private_folder(agent / "vault", key)
