"""``graft-client token``: who may call, listed without the tokens."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.cli.main import app
from client.serving.tokens import Tokens, add_token
from shared.errors import ConfigError


def said(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["token", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_lists_names_times_and_the_beginning_of_digests(tmp_path: Path) -> None:
    file, made = tmp_path / "tokens", datetime(2026, 3, 1, 12, 30, 5, tzinfo=UTC)
    token = add_token(file, "web-shop", now=made)
    digest = hashlib.sha256(token.encode()).hexdigest()[:8]
    assert said("list", "--tokens", file) == f"web-shop: made 2026-03-01T12:30:05+00:00, digest {digest}\n"
    listed = json.loads(said("list", "--tokens", file, "--json"))
    assert listed == [{"name": "web-shop", "made": "2026-03-01T12:30:05+00:00", "digest": digest}]


def test_add_says_when(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    done = CliRunner().invoke(app, ["token", "add", "app", "--tokens", str(file)], catch_exceptions=False)
    token = done.stdout.strip()
    assert "is shown this once" in done.stderr
    (row,) = json.loads(said("list", "--tokens", file, "--json"))
    assert abs(datetime.fromisoformat(row["made"]) - datetime.now(UTC)) < timedelta(minutes=5)
    assert Tokens(file).caller(f"Bearer {token}") == "app"
    assert token not in said("list", "--tokens", file)


def test_a_line_of_before_says_no_time_and_still_lets_its_caller_in(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"shop {hashlib.sha256(b'secret').hexdigest()}\n")
    assert "shop: made not said, digest" in said("list", "--tokens", file)
    add_token(file, "app", now=datetime.now(UTC))
    assert Tokens(file).caller("Bearer secret") == "shop"


def test_says_that_nobody_may_call(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    said("add", "shop", "--tokens", file)
    said("revoke", "shop", "--tokens", file)
    assert said("list", "--tokens", file) == f"{file}: nobody may call\n"
    assert json.loads(said("list", "--tokens", file, "--json")) == []


@pytest.mark.parametrize("made", ["yesterday", "2026-13-01T00:00:00", "2026-03-01T12:30:05+00:00 more", "\x1b[2J"])
def test_refuses_a_line_that_it_did_not_write(tmp_path: Path, made: str) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"shop {'0' * 64} {made}\n")
    with pytest.raises(ConfigError, match="expected a name and a digest in each line"):
        Tokens(file)


def test_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["token", "list", "--tokens", str(tmp_path / "none")])
    assert isinstance(done.exception, ConfigError)
