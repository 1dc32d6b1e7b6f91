"""The head store: what was written comes back, and damage gives one clear error."""

import numpy as np
import pytest

from client.store.head_store import HeadStore, StoredRecord
from shared.errors import HeadStoreError

HEAD = StoredRecord(arrays={"v": np.arange(6, dtype=np.float32).reshape(2, 3), "a": np.ones(2)}, facts={"round": 3})


def test_brings_back_what_was_written_after_a_restart(tmp_path) -> None:
    HeadStore(tmp_path / "heads").write("sequence", HEAD)
    found = HeadStore(tmp_path / "heads").read("sequence")
    assert found is not None
    assert dict(found.facts) == {"round": 3}
    assert {name: value.tolist() for name, value in found.arrays.items()} == {"v": [[0, 1, 2], [3, 4, 5]], "a": [1, 1]}


def test_has_nothing_before_the_first_write_and_after_the_delete(tmp_path) -> None:
    store = HeadStore(tmp_path / "heads")
    assert (store.read("sequence"), store.names()) == (None, ())
    store.write("sequence", HEAD)
    assert store.names() == ("sequence",)
    store.delete("sequence")
    assert store.read("sequence") is None


def test_copies_a_record_under_another_name(tmp_path) -> None:
    store = HeadStore(tmp_path / "heads")
    assert not store.copy("sequence", "before")
    store.write("sequence", HEAD)
    store.write("before", StoredRecord(arrays={}, facts={}))
    assert store.copy("sequence", "before")
    store.delete("sequence")
    copied = store.read("before")
    assert copied is not None
    assert dict(copied.facts) == {"round": 3}


def test_is_readable_by_its_owner_alone(tmp_path) -> None:
    HeadStore(tmp_path / "heads").write("sequence", HEAD)
    assert (tmp_path / "heads").stat().st_mode & 0o077 == 0
    assert (tmp_path / "heads" / "sequence.head").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("place", [0, 20, 150, -1])
def test_notices_a_flipped_bit(tmp_path, place) -> None:
    HeadStore(tmp_path).write("sequence", HEAD)
    content = bytearray((tmp_path / "sequence.head").read_bytes())
    content[place] ^= 4
    (tmp_path / "sequence.head").write_bytes(content)
    with pytest.raises(HeadStoreError, match="'sequence'"):
        HeadStore(tmp_path).read("sequence")


@pytest.mark.parametrize("length", [0, 7, 100])
def test_notices_a_truncated_file(tmp_path, length) -> None:
    HeadStore(tmp_path).write("sequence", HEAD)
    (tmp_path / "sequence.head").write_bytes((tmp_path / "sequence.head").read_bytes()[:length])
    with pytest.raises(HeadStoreError, match="damaged"):
        HeadStore(tmp_path).read("sequence")


def test_keeps_the_old_record_where_the_new_one_cannot_be_written(tmp_path) -> None:
    store = HeadStore(tmp_path)
    store.write("sequence", HEAD)
    with pytest.raises(TypeError):
        store.write("sequence", StoredRecord(arrays={}, facts={"round": object()}))
    assert store.read("sequence") is not None


def test_refuses_a_name_that_leads_out_of_its_folder(tmp_path) -> None:
    with pytest.raises(HeadStoreError, match="name"):
        HeadStore(tmp_path).write("../other", HEAD)


def test_says_that_a_folder_cannot_be_written(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HeadStoreError, match="cannot be written"):
        HeadStore(tmp_path / "file").write("sequence", HEAD)
