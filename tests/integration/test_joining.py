"""From nothing to an enrolled platform: init on both sides, enroll, revoke, platforms, through the real commands."""

import json
import stat
from pathlib import Path

import pytest

from server.coordinator.certificates import expiry
from shared.encoder.file import EncoderCard, save_encoder
from tests.federation_world import START
from tests.integration.commands import run


@pytest.fixture
def encoder(tmp_path) -> Path:
    save_encoder(tmp_path / "start.safetensors", START, EncoderCard())
    return tmp_path / "start.safetensors"


def test_a_platform_is_enrolled_listed_and_revoked(tmp_path, encoder) -> None:
    home, agent = tmp_path / "server", tmp_path / "north"
    made = run("graft-server", "init", home, "--encoder", encoder, "--name", "shops.example")
    assert (made.returncode, made.stderr) == (0, "")
    assert "shops.example:9443" in made.stdout

    joined = run(
        "graft-client",
        *("init", agent, "--server", "shops.example:9443", "--ca", home / "tls" / "ca.crt"),
        *("--name", "north", "--data", "data,min-rating=4"),
    )
    assert (joined.returncode, joined.stderr) == (0, "")
    assert "graft-server enroll north --public-key node.key.pub" in joined.stdout

    key = agent / "node.key.pub"
    assert run("graft-server", "enroll", "north", "--public-key", key, "--home", home).stdout == "north: enrolled\n"
    assert run("graft-server", "platforms", "--home", home).stdout == "north: enrolled, queued for the engine\n"
    listed = json.loads(run("graft-server", "platforms", "--home", home, "--json").stdout)
    assert [(one["name"], one["key"]) for one in listed] == [("north", key.read_text().strip())]
    assert run("graft-server", "revoke", "north", "--home", home).returncode == 0
    assert run("graft-server", "platforms", "--home", home).stdout == "north: revoked\n"


def test_nothing_that_is_made_is_readable_for_others(tmp_path, encoder) -> None:
    home, agent = tmp_path / "server", tmp_path / "north"
    run("graft-server", "init", home, "--encoder", encoder)
    arguments = ("--server", "a:1", "--ca", home / "tls" / "ca.crt", "--name", "north", "--data", "data")
    run("graft-client", "init", agent, *arguments)
    paths = [path for folder in (home, agent) for path in (folder, *folder.rglob("*"))]
    assert len([path for path in paths if path.is_file()]) >= 11
    assert [path for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


def test_a_certificate_is_renewed_from_the_same_authority(tmp_path, encoder) -> None:
    home = tmp_path / "server"
    run("graft-server", "init", home, "--encoder", encoder)
    authority, before = (home / "tls" / "ca.crt").read_bytes(), (home / "tls" / "server.crt").read_bytes()
    done = run("graft-server", "certificate", "renew", "--home", home)
    assert done.returncode == 0
    assert f"{expiry(home / 'tls' / 'server.crt'):%Y-%m-%d}" in done.stdout
    assert (home / "tls" / "server.crt").read_bytes() != before
    assert (home / "tls" / "ca.crt").read_bytes() == authority


def test_says_in_a_sentence_what_is_wrong_and_changes_nothing(tmp_path, encoder) -> None:
    home = tmp_path / "server"
    run("graft-server", "init", home, "--encoder", encoder)
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    agent = ("--server", "a:1", "--name", "north", "--data", "data")
    for command, arguments, sentence in (
        ("graft-server", ("init", home, "--encoder", encoder), "exists already"),
        ("graft-server", ("init", tmp_path / "other", "--encoder", home / "settings.toml"), "settings.toml"),
        (
            "graft-server",
            ("init", tmp_path / "other", "--encoder", encoder, "--name", "a b"),
            "names must be host names",
        ),
        ("graft-server", ("enroll", "north", "--public-key", home / "tls/ca.key", "--home", home), "private one"),
        ("graft-server", ("platforms", "--home", tmp_path), "no coordinator's folder"),
        ("graft-client", ("init", home, *agent, "--ca", home / "tls/ca.crt"), "exists already"),
        ("graft-client", ("init", tmp_path / "other", *agent, "--ca", encoder), "certificate as PEM"),
        ("graft-client", ("init", tmp_path / "other", *agent, "--ca", home / "none"), "cannot be read"),
    ):
        done = run(command, *arguments)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert sentence in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "other").exists()
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before
