"""``graft-server enroll`` and ``platforms``: size classes beside names and keys."""

import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from server.cli.platforms import enroll, platforms, revoke
from server.coordinator.home import ServerSettings
from server.coordinator.new_coordinator import make_coordinator
from shared.encoder.file import EncoderCard, save_encoder
from shared.errors import ConfigError
from tests.federation_world import START


@pytest.fixture
def home(tmp_path):
    save_encoder(tmp_path / "start.safetensors", START, EncoderCard())
    folder = tmp_path / "coordinator"
    make_coordinator(folder, tmp_path / "start.safetensors", ServerSettings(), now=datetime.now(UTC))
    return folder


@pytest.fixture
def keys(tmp_path):
    """Of two platforms."""
    paths = [tmp_path / "north.pub", tmp_path / "south.pub"]
    for path in paths:
        key = ec.generate_private_key(ec.SECP384R1()).public_key()
        path.write_bytes(key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH))
    return paths


def test_enrols_with_a_size_class_that_can_be_changed_later(home, keys, capsys) -> None:
    enroll(names=["north", "south"], public_key=keys, users=3000, home=home)
    enroll(names=["south"], users=100, home=home)
    platforms(home=home)
    said = capsys.readouterr().out
    assert "south: of the size of 128 users\n" in said
    assert "north: enrolled, queued for the engine, of the size of 4096 users\n" in said
    platforms(home=home, as_json=True)
    assert [one["users"] for one in json.loads(capsys.readouterr().out)] == [4096, 128]


def test_tells_programs_whom_it_enrolled_classified_and_revoked(home, keys, capsys) -> None:
    said = []
    enroll(names=["north", "south"], public_key=keys, home=home, as_json=True)
    said += json.loads(capsys.readouterr().out)
    enroll(names=["south"], users=100, home=home, as_json=True)
    said += json.loads(capsys.readouterr().out)
    revoke(name="north", home=home, as_json=True)
    said.append(json.loads(capsys.readouterr().out))
    assert [(row["name"], row["users"], row["state"]) for row in said] == [
        ("north", None, "enrolled, queued for the engine"),
        ("south", None, "enrolled, queued for the engine"),
        ("south", 128, "enrolled, queued for the engine"),
        ("north", None, said[3]["state"]),
    ]
    assert said[3]["state"].startswith("revoked")


def test_a_platform_without_users_has_no_class(home, keys, capsys) -> None:
    enroll(names=["north", "south"], public_key=keys, home=home)
    platforms(home=home)
    assert "north: enrolled, queued for the engine\n" in capsys.readouterr().out


def test_asks_for_a_key_of_each_or_for_users_of_those_enrolled(home, keys) -> None:
    with pytest.raises(ConfigError, match="expected a --public-key for each of 1 names; got 0"):
        enroll(names=["north"], home=home)
    with pytest.raises(ConfigError, match="no platform north is enrolled"):
        enroll(names=["north"], users=10, home=home)
