"""Records in blocks: a part of one is read without the rest, and damage is noticed where it is read."""

import json
import os
from itertools import pairwise

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from client.store.content import InMemory, parts_of
from client.store.head_store import HeadStore, StoredRecord
from client.store.records import PlainFolder
from client.store.sealed import BLOCK, TAG
from client.store.stored_rows import StoredRows
from shared.errors import HeadStoreError, StorageError, VaultError
from shared.system.array_file import Place, array_digest, array_file
from tests.unit.client.store.test_vault import EACH

PLACES = st.integers(0, 5 * BLOCK)
SIZES = st.one_of(st.integers(0, 40), st.integers(BLOCK - 2, BLOCK + 2), st.integers(0, 5 * BLOCK))


@pytest.fixture(params=["sealed", "plain"])
def records(request, tmp_path, vault):
    return vault if request.param == "sealed" else PlainFolder(tmp_path / "plain")


def file_of(records):
    return next(path for path in records._folder.iterdir() if path.name.startswith("head."))


@EACH
@given(size=SIZES, cuts=st.lists(PLACES, max_size=4), start=PLACES, data=st.data())
def test_reads_any_stretch_of_what_was_written_in_any_parts(records, size, cuts, start, data) -> None:
    content = os.urandom(size)
    places = sorted({0, size, *(cut for cut in cuts if cut < size)})
    records.write_parts("head", (content[a:b] for a, b in pairwise(places)), size)
    opened = records.content("head")
    assert records.read("head") == content == b"".join(parts_of(opened))
    start = min(start, size)
    length = data.draw(st.integers(0, size - start))
    stretch = bytearray(length)
    opened.read_into(start, memoryview(stretch))
    assert bytes(stretch) == content[start : start + length] == b"".join(parts_of(opened, start, length))


def test_shows_what_it_was_opened_with_whatever_replaces_it(records) -> None:
    records.write("head", b"a" * 3 * BLOCK)
    opened = records.content("head")
    records.write("head", b"b" * BLOCK)
    stretch = bytearray(5)
    opened.read_into(2 * BLOCK, memoryview(stretch))
    assert (bytes(stretch), records.read("head")[:5]) == (b"aaaaa", b"bbbbb")


@EACH
@given(number=st.integers(0, 3), other=st.integers(0, 3))
def test_notices_blocks_that_changed_places(records, number, other) -> None:
    records.write("head", bytes(4 * BLOCK))
    path = file_of(records)
    whole = path.read_bytes()
    start = len(whole) - 4 * (BLOCK + TAG)
    blocks = [whole[place : place + BLOCK + TAG] for place in range(start, len(whole), BLOCK + TAG)]
    blocks[number], blocks[other] = blocks[other], blocks[number]
    path.write_bytes(whole[:start] + b"".join(blocks))
    if number == other:
        assert records.read("head") == bytes(4 * BLOCK)
    else:
        with pytest.raises(StorageError, match="'head' is damaged"):
            records.read("head")


def test_notices_a_block_of_an_earlier_version(records) -> None:
    records.write("head", b"a" * 2 * BLOCK)
    path = file_of(records)
    before = path.read_bytes()
    records.write("head", b"b" * 2 * BLOCK)
    after = path.read_bytes()
    path.write_bytes(after[: -BLOCK - TAG] + before[-BLOCK - TAG :])
    if path.suffix == ".sealed":
        with pytest.raises(VaultError, match="its seal is broken"):
            records.read("head")
    else:  # a checksum without a key tells damage, not intent
        assert records.read("head") == b"b" * BLOCK + b"a" * BLOCK


def test_reads_the_whole_part_of_a_record_whose_other_part_is_damaged(records) -> None:
    store = HeadStore(records)
    arrays = {"a": np.arange(BLOCK, dtype=np.int64), "b": np.arange(BLOCK, dtype=np.int32)}
    store.write("head", StoredRecord(arrays=arrays, facts={"n": 1}))
    path = file_of(records)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    opened = store.open("head")
    assert opened.facts == {"n": 1}
    assert np.array_equal(opened.array("a"), arrays["a"])
    with pytest.raises(StorageError, match="'head' is damaged"):
        opened.array("b")
    with pytest.raises(StorageError, match="'head' is damaged"):
        store.read("head")


@EACH
@given(start=st.integers(0, 3 * BLOCK), width=st.sampled_from([1, 3, 700, 9_000]), drawn=st.lists(st.integers(0, 99)))
def test_stored_rows_are_the_array_s_wherever_it_begins(start, width, drawn) -> None:
    array = np.arange(100 * width, dtype=np.float64).reshape(100, width)
    rows = StoredRows(
        InMemory(bytes(start) + array.tobytes()), Place(dtype=array.dtype, shape=array.shape, start=start)
    )
    picked = np.array(drawn, np.int64)
    assert np.array_equal(rows[picked], array[picked])
    begin, end = sorted([*drawn, 0, 0][:2])
    assert np.array_equal(rows[begin:end], array[begin:end])
    assert np.array_equal(rows[7], array[7])
    assert np.array_equal(np.asarray(rows), array)
    assert b"".join(rows.parts()) == array.tobytes()


def test_stored_rows_read_what_is_touched_and_nothing_twice() -> None:
    array, reads = np.arange(100 * BLOCK, dtype=np.uint8).reshape(-1, BLOCK), []

    class Counted(InMemory):
        def read_into(self, start: int, view: memoryview) -> None:
            reads.append((start // BLOCK, len(view) // BLOCK))
            super().read_into(start, view)

    rows = StoredRows(Counted(array.tobytes()), Place(dtype=array.dtype, shape=array.shape, start=0))
    assert np.array_equal(rows[np.array([50, 3, 3, 51])], array[[50, 3, 3, 51]])
    assert np.array_equal(rows[50:52], array[50:52])
    assert reads == [(3, 1), (50, 2)]
    assert rows.read_bytes == 3 * BLOCK


@pytest.mark.parametrize(
    "rows", [np.array([-1]), np.array([0, 5]), np.array([True] * 5), np.array([0.5]), slice(0, 4, 2)]
)
def test_stored_rows_refuse_what_they_would_answer_wrongly(rows) -> None:
    stored = StoredRows(InMemory(bytes(5)), Place(dtype=np.dtype("u1"), shape=(5,), start=0))
    with pytest.raises(IndexError, match="rows"):
        stored[rows]


def test_reads_a_record_that_was_sealed_as_a_whole(vault) -> None:
    header = {"name": "head", "version": 3, "key": 1, "size": 6}
    line = json.dumps({"format": "graft-vault/1", **header}, sort_keys=True).encode() + b"\n"
    nonce = os.urandom(12)
    sealed = AESGCM(vault._ring.keys[1]).encrypt(nonce, b"before", line)
    file = vault._folder / "head.sealed"
    file.write_bytes(line + nonce + sealed)
    assert vault.read("head") == b"before"
    file.write_bytes(line + nonce + sealed[:-1] + bytes([sealed[-1] ^ 1]))
    with pytest.raises(VaultError, match="its seal is broken"):
        vault.read("head")
    vault.write("head", b"now")
    assert b'"version": 4' in file.read_bytes()


def test_reads_a_plain_head_of_before_and_checks_its_digest(tmp_path) -> None:
    arrays = {"v": np.arange(6.0)}
    texts = {"format": "graft-head/1", "facts": '{"n": 1}', "digest": array_digest(arrays, '{"n": 1}')}
    (tmp_path / "head.head").write_bytes(array_file(arrays, texts))
    read = HeadStore(tmp_path).read("head")
    assert (read.arrays["v"].tolist(), read.facts) == ([0, 1, 2, 3, 4, 5], {"n": 1})
    (tmp_path / "head.head").write_bytes(array_file({"v": np.zeros(6)}, texts))
    with pytest.raises(HeadStoreError, match="its digest does not match"):
        HeadStore(tmp_path).read("head")


def test_does_not_take_a_plain_file_for_a_sealed_one(tmp_path, vault) -> None:
    PlainFolder(tmp_path / "plain").write("head", b"forged")
    (vault._folder / "head.sealed").write_bytes((tmp_path / "plain" / "head.head").read_bytes())
    with pytest.raises(VaultError, match="'head' has another format"):
        vault.read("head")


def test_notices_every_flipped_bit_of_a_plain_file(tmp_path) -> None:
    HeadStore(tmp_path).write("head", StoredRecord(arrays={"v": np.arange(3.0)}, facts={"n": 1}))
    path = tmp_path / "head.head"
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with pytest.raises(HeadStoreError):
            HeadStore(tmp_path).read("head")
