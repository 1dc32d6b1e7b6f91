"""The key that signs tasks: made once, its public half in the file that platforms are given."""

from pathlib import Path

import pytest

from server.coordinator.home import ServerHome
from server.coordinator.task_key import ensure_task_key
from shared.errors import ConfigError
from shared.federation.signatures import TaskSigner, public_key_of

CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@pytest.fixture
def home(tmp_path: Path) -> ServerHome:
    """A coordinator's folder of before tasks were signed."""
    (tmp_path / "tls").mkdir()
    found = ServerHome(tmp_path)
    found.authority.write_bytes(CERTIFICATE)
    return found


def test_an_older_folder_gets_a_key_once(home: ServerHome) -> None:
    assert ensure_task_key(home)
    first = home.task_key.read_bytes(), home.authority.read_bytes()
    assert first[1].startswith(CERTIFICATE)
    assert public_key_of(first[1]) is not None
    assert home.task_key.stat().st_mode & 0o077 == 0
    assert not ensure_task_key(home)
    assert (home.task_key.read_bytes(), home.authority.read_bytes()) == first


def test_a_new_key_takes_the_place_of_one_that_was_lost(home: ServerHome) -> None:
    ensure_task_key(home)
    before = home.authority.read_bytes()
    home.task_key.unlink()
    assert ensure_task_key(home)
    after = home.authority.read_bytes()
    assert after != before
    assert after.count(b"BEGIN PUBLIC KEY") == 1
    assert after == CERTIFICATE + TaskSigner.read(home.task_key).public


@pytest.mark.parametrize("content", [b"", b"no key", CERTIFICATE])
def test_a_file_that_is_no_key_is_told_in_a_sentence(home: ServerHome, content: bytes) -> None:
    home.task_key.write_bytes(content)
    with pytest.raises(ConfigError, match="expected the key that signs tasks"):
        ensure_task_key(home)
