"""Tokens are known by their digests alone, and can be given and taken while the service runs."""

import os

import pytest

from client.serving.tokens import Tokens, add_token, revoke_token
from shared.errors import ConfigError


@pytest.fixture
def file(tmp_path):
    return tmp_path / "tokens"


def test_knows_each_caller_by_their_token_alone(file):
    given = {name: add_token(file, name) for name in ("shop", "app")}
    tokens = Tokens(file)
    assert {tokens.caller(f"Bearer {token}") for token in given.values()} == {"shop", "app"}
    assert tokens.caller(f"bearer {given['app']}") == "app"
    for wrong in ("", "Bearer", "Bearer ", f"Basic {given['app']}", f"Bearer {given['app']}x", "Bearer \udc80"):
        assert tokens.caller(wrong) is None


def test_holds_no_token_and_is_readable_by_its_owner_alone(file):
    token = add_token(file, "shop")
    assert token not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_makes_a_callers_older_token_void(file):
    old, new = add_token(file, "shop"), add_token(file, "shop")
    tokens = Tokens(file)
    assert tokens.caller(f"Bearer {old}") is None
    assert tokens.caller(f"Bearer {new}") == "shop"


def test_takes_in_what_was_added_and_revoked_since(file):
    token, tokens = add_token(file, "shop"), Tokens(file)
    other = add_token(file, "app")
    revoke_token(file, "shop")
    os.utime(file, ns=(1, 1))
    tokens.reload()
    assert tokens.caller(f"Bearer {token}") is None
    assert tokens.caller(f"Bearer {other}") == "app"


def test_says_what_is_wrong(file):
    with pytest.raises(ConfigError, match="cannot be read"):
        Tokens(file.parent)
    with pytest.raises(ConfigError, match="lower-case"):
        add_token(file, "Web Shop")
    with pytest.raises(ConfigError, match="no caller"):
        revoke_token(file, "shop")
    file.write_text("something else entirely")
    with pytest.raises(ConfigError, match="a name and a digest"):
        Tokens(file)


def test_a_file_without_a_token_is_told_and_lets_nobody_in(file):
    token = add_token(file, "shop")
    tokens = Tokens(file)
    file.write_bytes(b"")
    with pytest.raises(ConfigError, match="holds no token, so nobody can call; graft-client token add"):
        tokens.reload()
    assert (tokens.caller(f"Bearer {token}"), tokens.void) == (None, False)


def test_says_how_the_file_is_made_that_is_not_there(file):
    with pytest.raises(ConfigError, match=f"{file}: there is no such file; graft-client token add NAME --tokens"):
        Tokens(file)
