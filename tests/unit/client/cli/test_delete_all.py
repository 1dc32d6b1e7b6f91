"""``graft-client delete-all``: nothing learnt is left, the platform's own things are, and it asks first."""

import json
import os

import pytest
from typer.testing import CliRunner

from client.agent.erasure import Erasure
from client.agent.home import AgentHome
from client.agent.programs import supervision
from client.cli.main import app
from client.guard.ledger import PLACE, Ledger, LedgerLine
from client.serving.private_folder import only_service, open_private_folder
from client.store.vault import Vault
from shared.errors import ConfigError
from tests.integration.commands import run
from tests.unit.client.guard.answers import NOON
from tests.unit.client.store.vaults import key_file
from tests.unit.shared.system.processes.leftovers import left_behind

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


def test_with_json_it_asks_on_stderr_and_answers_with_one_document(agent) -> None:
    before = left(agent)
    done = CliRunner().invoke(app, ["delete-all", str(agent), "--json"], input="y\n")
    assert json.loads(done.stdout) == {"folder": str(agent), "files": len(before - left(agent))}
    assert "are erased for good" in done.stderr


def test_refuses_while_the_agent_runs_or_serves_and_names_the_process(agent) -> None:
    home, me, before = AgentHome(agent), f"(process {os.getpid()})", left(agent)
    with supervision(home).alone():
        done = run("graft-client", "delete-all", agent, "--yes")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert f"while graft-client start {me} runs on it; stop it first" in done.stderr
    with supervision(home).alone(), only_service(home.vault), pytest.raises(ConfigError) as both:
        Erasure.of(agent)
    assert f"graft-client start {me} and graft-client serve {me}" in str(both.value)
    assert left(agent) >= before
    Erasure.of(agent).erase()


def test_refuses_while_what_a_killed_agent_left_still_runs(agent) -> None:
    with left_behind(agent / "state", "superexec") as process, pytest.raises(ConfigError) as found:
        Erasure.of(agent)
    assert f"superexec, left by a killed graft-client start (process {process})" in str(found.value)
    Erasure.of(agent).erase()


def test_refuses_what_began_while_it_asked(agent) -> None:
    erasure = Erasure.of(agent)
    before = left(agent)
    with only_service(agent / "vault"), pytest.raises(ConfigError, match="graft-client serve"):
        erasure.erase()
    assert left(agent) >= before


def test_refuses_a_folder_that_is_no_agents(tmp_path) -> None:
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
