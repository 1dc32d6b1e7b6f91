"""From nothing to an enrolled platform: init on both sides, enroll, revoke, platforms, through the real commands."""

import json
import stat
from pathlib import Path

import pytest

from client.agent.key_pair import new_key_pair
from server.coordinator.certificates import expiry
from shared.encoder.file import EncoderCard, save_encoder
from shared.system.free_port import free_port
from tests.federation_world import START
from tests.integration.commands import run
from tests.integration.engine_world import write_platform


@pytest.fixture
def encoder(tmp_path) -> Path:
    save_encoder(tmp_path / "start.safetensors", START, EncoderCard())
    return tmp_path / "start.safetensors"


@pytest.fixture
def data(tmp_path) -> Path:
    write_platform(tmp_path / "data", seed=0)
    return tmp_path / "data"


def test_a_platform_is_enrolled_listed_and_revoked(tmp_path, encoder, data) -> None:
    home, agent = tmp_path / "server", tmp_path / "north"
    made = run("graft-server", "init", home, "--encoder", encoder, "--name", "shops.example")
    assert (made.returncode, made.stderr) == (0, "")
    assert "shops.example:9443" in made.stdout

    joined = run(
        "graft-client",
        *("init", agent, "--server", f"localhost:{free_port()}", "--ca", home / "tls" / "ca.crt"),
        *("--name", "north", "--data", f"{data},min-rating=1"),
    )
    assert joined.returncode == 0
    (note,) = joined.stderr.splitlines()
    assert note.startswith("note: localhost:")
    assert "the agent tries again until it answers" in note
    assert "graft-server enroll north --public-key node.key.pub" in joined.stdout

    key = agent / "node.key.pub"
    assert run("graft-server", "enroll", home, "north", "--public-key", key).stdout == "north: enrolled\n"
    assert run("graft-server", "platforms", home).stdout == "north: enrolled, queued for the engine\n"
    listed = json.loads(run("graft-server", "platforms", home, "--json").stdout)
    assert [(one["name"], one["key"]) for one in listed] == [("north", " ".join(key.read_text().split()[:2]))]
    assert run("graft-server", "revoke", home, "north").returncode == 0
    assert run("graft-server", "platforms", home).stdout == "north: revoked\n"


def test_nothing_that_is_made_is_readable_for_others(tmp_path, encoder, data) -> None:
    home, agent = tmp_path / "server", tmp_path / "north"
    run("graft-server", "init", home, "--encoder", encoder)
    arguments = ("--server", f"localhost:{free_port()}", "--ca", home / "tls" / "ca.crt", "--name", "north")
    assert run("graft-client", "init", agent, *arguments, "--data", data).returncode == 0
    paths = [path for folder in (home, agent) for path in (folder, *folder.rglob("*"))]
    assert len([path for path in paths if path.is_file()]) >= 11
    assert [path for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


def test_a_certificate_is_renewed_from_the_same_authority(tmp_path, encoder) -> None:
    home = tmp_path / "server"
    run("graft-server", "init", home, "--encoder", encoder)
    authority, before = (home / "tls" / "ca.crt").read_bytes(), (home / "tls" / "server.crt").read_bytes()
    done = run("graft-server", "certificate", "renew", home)
    assert done.returncode == 0
    assert f"{expiry(home / 'tls' / 'server.crt'):%Y-%m-%d}" in done.stdout
    assert (home / "tls" / "server.crt").read_bytes() != before
    assert (home / "tls" / "ca.crt").read_bytes() == authority


def test_a_key_is_enrolled_under_the_name_that_it_bears(tmp_path, encoder) -> None:
    home, keys = tmp_path / "server", {}
    run("graft-server", "init", home, "--encoder", encoder)
    for name in ("north", "south", ""):
        keys[name] = tmp_path / f"{name}.pub"
        keys[name].write_bytes(new_key_pair(name).public)
    swapped = ("--public-key", keys["south"], "--public-key", keys["north"])
    for arguments in (("nroth", "--public-key", keys["north"]), ("north", "south", *swapped)):
        done = run("graft-server", "enroll", home, *arguments)
        assert done.returncode == 2
        assert "it bears the name" in done.stderr
    assert run("graft-server", "platforms", home).stdout == "no platform is enrolled\n"
    for name, key in (("north", "north"), ("west", "")):
        assert run("graft-server", "enroll", home, name, "--public-key", keys[key]).returncode == 0


def test_says_in_a_sentence_what_is_wrong_and_changes_nothing(tmp_path, encoder, data) -> None:
    home = tmp_path / "server"
    run("graft-server", "init", home, "--encoder", encoder)
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    server, ca = ("--server", f"localhost:{free_port()}", "--name", "north"), ("--ca", home / "tls/ca.crt")
    agent = (*server, "--data", data)
    for command, arguments, sentence in (
        ("graft-server", ("init", home, "--encoder", encoder), "exists already"),
        ("graft-server", ("init", tmp_path / "other", "--encoder", home / "settings.toml"), "settings.toml"),
        (
            "graft-server",
            ("init", tmp_path / "other", "--encoder", encoder, "--name", "a b"),
            "names must be host names",
        ),
        ("graft-server", ("enroll", home, "north", "--public-key", home / "tls/ca.key"), "private one"),
        ("graft-server", ("platforms", tmp_path), "no coordinator's folder"),
        ("graft-client", ("init", home, *agent, "--ca", home / "tls/ca.crt"), "exists already"),
        ("graft-client", ("init", tmp_path / "other", *agent, "--ca", encoder), "certificate as PEM"),
        ("graft-client", ("init", tmp_path / "other", *agent, "--ca", home / "none"), "cannot be read"),
        ("graft-client", ("init", tmp_path / "other", *server, *ca, "--data", data.with_name("dta")), "found nothing"),
        ("graft-client", ("preflight", data), "no agent's folder"),
    ):
        done = run(command, *arguments)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert sentence in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "other").exists()
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before
