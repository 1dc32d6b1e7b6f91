"""Heads in a vault: the same store over sealed records, and no way to plain files beside them."""

import numpy as np
import pytest

from client.guard.site_policy import SitePolicy
from client.rounds.workspace import NodeSettings, already_open
from client.store.head_store import HeadStore, StoredRecord, open_heads
from client.store.keyring import KeySource, new_key
from client.store.vault import Vault
from shared.errors import ConfigError, HeadStoreError
from tests.federation_world import opened

HEAD = StoredRecord(arrays={"v": np.arange(6, dtype=np.float32).reshape(2, 3)}, facts={"user": "user-4711"})


@pytest.fixture
def key(tmp_path) -> str:
    path = tmp_path / "vault.key"
    path.write_text(new_key())
    path.chmod(0o600)
    Vault.make(tmp_path / "vault", KeySource.parse(f"file:{path}"))
    return f"file:{path}"


def test_brings_back_a_head_that_was_sealed(tmp_path, key) -> None:
    open_heads(tmp_path / "vault", key).write("sequence", HEAD)
    found = open_heads(tmp_path / "vault", key).read("sequence")
    assert found is not None
    assert found.arrays["v"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert dict(found.facts) == {"user": "user-4711"}
    assert b"4711" not in (tmp_path / "vault" / "sequence.sealed").read_bytes()


def test_writes_no_plain_file_where_a_vault_lies(tmp_path, key) -> None:
    with pytest.raises(ConfigError, match="holds a vault; say where its key is"):
        open_heads(tmp_path / "vault", "")


def test_says_that_a_sealed_record_is_no_head(tmp_path, key) -> None:
    vault = Vault.open(tmp_path / "vault", KeySource.parse(key))
    for content in (b"", b"12345678", b"\x02\0\0\0\0\0\0\0{}", b"\x02\0\0\0\0\0\0\0[]", b"\xff" * 40):
        vault.write("sequence", content)
        with pytest.raises(HeadStoreError, match="not a whole head file"):
            HeadStore(vault).read("sequence")


def test_a_platform_whose_node_config_names_a_key_keeps_its_heads_sealed(tmp_path, key) -> None:
    settings = NodeSettings(platform=f"a={tmp_path}", heads=str(tmp_path / "vault"), vault_key=key)
    node = NodeSettings.from_node_config(settings.to_node_config())
    already_open(opened("a"))(node, SitePolicy(), None).heads.write("sequence", HEAD)
    assert (tmp_path / "vault" / "sequence.sealed").exists()
    assert list((tmp_path / "vault").glob("*.head")) == []


def test_bears_another_stamp_after_each_write(tmp_path, key) -> None:
    heads = open_heads(tmp_path / "vault", key)
    stamps = [heads.stamp("sequence")]
    for _ in range(2):
        heads.write("sequence", HEAD)
        stamps.append(heads.stamp("sequence"))
    assert stamps[0] is None
    assert len(set(stamps)) == 3
