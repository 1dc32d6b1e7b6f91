"""A vault in a folder of its own, and the key that opens it."""

import pytest

from client.store.keyring import KeySource
from client.store.vault import Vault
from tests.unit.client.store.vaults import key_file


@pytest.fixture
def source(tmp_path) -> KeySource:
    return key_file(tmp_path / "vault.key")


@pytest.fixture
def vault(tmp_path, source) -> Vault:
    return Vault.make(tmp_path / "vault", source)
