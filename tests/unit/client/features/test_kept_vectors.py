"""The catalogue's vectors beside the heads: what was read is not read again, and only that."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from client.features.hashing import hash_texts, hashing_space
from client.features.kept_vectors import RECORD, CatalogueVectors
from client.store.head_store import HeadStore
from client.store.keyring import KeySource
from client.store.vault import Vault
from shared.errors import StorageError

SPACE = hashing_space(64)
TEXTS = tuple(f"thing {row} of shelf {row % 7}" for row in range(40))


class Reading:
    """Reads texts, and says which it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += texts
        return hash_texts(texts, 64)


@pytest.fixture
def heads(tmp_path, monkeypatch) -> HeadStore:
    monkeypatch.setenv("KEY", "ab" * 32)
    return HeadStore(Vault.make(tmp_path / "vault", KeySource.parse("env:KEY")))


@pytest.fixture
def kept(heads) -> CatalogueVectors:
    return CatalogueVectors("", heads)


def test_reads_no_text_twice_and_gives_what_reading_gives(kept) -> None:
    first, second = Reading(), Reading()
    assert kept.of(SPACE, TEXTS, first).tobytes() == hash_texts(TEXTS, 64).tobytes()
    assert kept.of(SPACE, TEXTS, second).tobytes() == hash_texts(TEXTS, 64).tobytes()
    assert (len(first.asked), second.asked) == (len(TEXTS), [])


def test_reads_what_is_new_alone_whatever_its_order_and_drops_what_is_gone(kept, heads) -> None:
    kept.of(SPACE, TEXTS, Reading())
    changed = ("a new one", *reversed(TEXTS[5:]), TEXTS[9], "another")
    reading = Reading()
    assert kept.of(SPACE, changed, reading).tobytes() == hash_texts(changed, 64).tobytes()
    assert reading.asked == ["a new one", "another"]
    assert len(heads.read(RECORD).arrays["vectors"]) == len(changed)


def test_another_space_is_read_anew(kept) -> None:
    kept.of(SPACE, TEXTS, Reading())
    other = hashing_space(128)
    vectors = kept.of(other, TEXTS, lambda texts: hash_texts(texts, 128))
    assert vectors.tobytes() == hash_texts(TEXTS, 128).tobytes()


def test_an_empty_catalogue_and_one_that_begins_anew(kept) -> None:
    assert kept.of(SPACE, (), Reading()).shape == (0, 64)
    assert kept.of(SPACE, TEXTS, Reading()).tobytes() == hash_texts(TEXTS, 64).tobytes()
    assert kept.of(SPACE, (), Reading()).shape == (0, 64)


def test_a_damaged_record_is_read_anew_and_the_log_says_so(kept, tmp_path, caplog) -> None:
    kept.of(SPACE, TEXTS, Reading())
    (record,) = (path for path in (tmp_path / "vault").iterdir() if path.name.startswith(f"{RECORD}."))
    record.write_bytes(record.read_bytes()[:-1] + b"\0")
    reading = Reading()
    assert kept.of(SPACE, TEXTS, reading).tobytes() == hash_texts(TEXTS, 64).tobytes()
    assert len(reading.asked) == len(TEXTS)
    assert "read anew" in caplog.text


def test_what_cannot_be_kept_is_no_error(kept, heads, monkeypatch, caplog) -> None:
    def full(*_: object) -> None:
        raise StorageError("no space left")

    monkeypatch.setattr(HeadStore, "write", full)
    assert kept.of(SPACE, TEXTS, Reading()).tobytes() == hash_texts(TEXTS, 64).tobytes()
    assert "not kept: no space left" in caplog.text


def test_no_text_stands_in_the_record_even_of_a_folder_in_the_clear(tmp_path) -> None:
    CatalogueVectors("", HeadStore(tmp_path)).of(SPACE, TEXTS, Reading())
    for path in tmp_path.iterdir():
        assert b"thing 3" not in path.read_bytes()
