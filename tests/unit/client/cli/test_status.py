"""``graft-client status``: what an agent that does not run says of itself."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.agent.home import AgentHome, AgentSettings
from client.agent.private_part import make_private_part
from client.agent.status import status, status_lines
from client.guard.ledger import Ledger, LedgerLine
from shared.federation.signatures import TaskSigner
from shared.system.settings_file import to_toml
from tests.unit.client.guard.answers import NOON, checked, trained

KEY = TaskSigner(Ed25519PrivateKey.generate())
SETTINGS = {"server": "a:1", "name": "north", "data": "/data/north"}


@pytest.fixture
def home(tmp_path) -> AgentHome:
    home = AgentHome(tmp_path)
    settings = AgentSettings(**SETTINGS, vault_key="file:vault.key")
    make_private_part(home, settings, own_key=True)
    home.settings.write_bytes(to_toml(settings))
    home.authority.write_bytes(KEY.public)
    return home


def test_tells_what_opens_the_vault_and_how_much_has_left(home) -> None:
    ledger, update = Ledger(home.ledger), checked(trained())
    ledger.add(LedgerLine.left(update, task="train", round_number=1, now=NOON))
    ledger.add(LedgerLine.kept("too large", task="train", round_number=2, now=NOON))
    assert status_lines(status(home)) == [
        "north: not running, not connected to a:1",
        "why: the agent does not run",
        f"what to do: graft-client start {home.folder} --background",
        "last round: round 2, train: held back by the guard, 2026-03-01T12:00:00+00:00",
        f"vault: sealed; file:{home.vault_key} opens it",
        f"tasks: {status(home)['tasks']}",
        f"left: 1 answers, {update.bytes:,} bytes; graft-client audit",
    ]


def test_tells_that_there_is_no_vault_or_not_yet(home) -> None:
    for path in home.vault.iterdir():
        path.unlink()
    assert status(home)["vault"] == "made at the next start"
    home.settings.write_bytes(to_toml(AgentSettings(**SETTINGS)))
    assert status(home)["vault"].startswith("none")
    assert status(home)["left"] == {"answers": 0, "bytes": 0}
