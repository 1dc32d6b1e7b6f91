"""``graft-client vault``: made, rotated and given another key from the terminal."""

import json

from typer.testing import CliRunner

from client.cli.main import app
from client.store.vault import Vault
from tests.unit.client.store.vaults import key_file


def invoke(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["vault", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_makes_rotates_and_changes_the_key(tmp_path) -> None:
    folder, first, second = tmp_path / "vault", key_file(tmp_path / "1.key"), key_file(tmp_path / "2.key")
    invoke("make", str(folder), "--key", str(first))
    Vault.open(folder, first).write("head", b"content")
    told = json.loads(invoke("rotate", str(folder), "--key", str(first), "--json"))
    assert told == {"folder": str(folder), "records": 1}
    assert "1 records are sealed under a new data key" in invoke("rotate", str(folder), "--key", str(first))
    invoke("change-key", str(folder), "--key", str(first), "--new-key", str(second))
    assert Vault.open(folder, second).read("head") == b"content"
