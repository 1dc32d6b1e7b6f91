"""A sealed journal: nothing readable on the disk, each entry bound to its number, promises as of a plain one."""

import os
import zlib

import pytest

from client.serving.journal import FileJournal, read_journal
from client.serving.journal_lines import SealedLines
from client.serving.private_folder import JOURNAL_KEY, open_private_folder
from client.store.keyring import KeySource
from client.store.vault import Vault
from shared.errors import ConfigError, JournalError, VaultError
from tests.unit.client.store.vaults import key_file

CANARY = "user-4711"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "reports.log"


@pytest.fixture
def lines():
    return SealedLines(os.urandom(32))


def facts_of(path, lines):
    return [entry.facts for entry in read_journal(path, lines)]


def swapped(content: bytes) -> bytes:
    """The second and third line in each other's place."""
    first, second, third, *rest = content.splitlines(keepends=True)
    return b"".join([first, third, second, *rest])


def test_keeps_entries_in_order_and_shows_none_of_them(path, lines):
    journal = FileJournal(path, lines)
    journal.append([{"user": CANARY}, {"text": "é\n"}])
    journal.sync()
    FileJournal(path, lines).append([{"user": CANARY}])
    assert facts_of(path, lines) == [{"user": CANARY}, {"text": "é\n"}, {"user": CANARY}]
    assert [entry.number for entry in read_journal(path, lines)] == [1, 2, 3]
    assert CANARY.encode() not in path.read_bytes()
    first, _, third = path.read_bytes().splitlines()
    assert first.split()[2] != third.split()[2]


@pytest.mark.parametrize("cut", range(1, 60))
def test_drops_a_last_line_that_was_cut_off(path, lines, cut):
    FileJournal(path, lines).append([{"a": 1}, {"a": 2}])
    path.write_bytes(path.read_bytes()[:-cut])
    FileJournal(path, lines).append([{"a": 3}])
    assert facts_of(path, lines) == [{"a": 1}, {"a": 3}]


def test_tells_damage_lines_out_of_place_and_another_key(path, lines):
    FileJournal(path, lines).append([{"a": number} for number in range(5)])
    whole = path.read_bytes()
    path.write_bytes(whole[:30] + bytes([whole[30] ^ 1]) + whole[31:])
    with pytest.raises(JournalError, match="damaged in line 1"):
        facts_of(path, lines)
    path.write_bytes(swapped(whole))
    with pytest.raises(JournalError, match="damaged in line 3"):
        facts_of(path, lines)
    path.write_bytes(whole)
    with pytest.raises(JournalError, match="seal of entry 1 is broken"):
        facts_of(path, SealedLines(os.urandom(32)))
    with pytest.raises(JournalError, match="seal of entry 5 is broken"):
        FileJournal(path, SealedLines(os.urandom(32)))
    assert path.read_bytes() == whole


def test_an_entry_under_another_number_is_damaged_though_its_checksum_is_right(path, lines):
    FileJournal(path, lines).append([{"a": 1}])
    other = lines.line(next(iter(read_journal(path, lines))))
    number, body = b"2", other.split()[2]
    text = number + b" " + body
    path.write_bytes(b"%08x %s\n" % (zlib.crc32(text), text))
    with pytest.raises(JournalError, match="seal of entry 2 is broken"):
        facts_of(path, lines)


def test_removes_for_good_and_gives_no_number_twice(path, lines):
    journal = FileJournal(path, lines)
    journal.append([{"user": CANARY}, {"user": "other"}, {"user": CANARY}])
    assert journal.remove(lambda facts: facts["user"] == CANARY) == 2
    assert journal.append([{"user": "third"}]) == 3
    assert [entry.number for entry in journal.entries()] == [2, 3, 4]


def test_says_that_a_line_was_written_without_the_key_and_that_a_sealed_one_needs_it(path, lines):
    FileJournal(path).append([{"user": CANARY}])
    before = path.read_bytes()
    with pytest.raises(JournalError, match="written without the vault's key"):
        FileJournal(path, lines)
    assert path.read_bytes() == before
    path.unlink()
    FileJournal(path, lines).append([{"user": CANARY}])
    with pytest.raises(JournalError, match="say where the vault's key is"):
        FileJournal(path)


@pytest.fixture
def source(tmp_path) -> KeySource:
    return key_file(tmp_path / "vault.key")


def test_a_vault_keeps_the_journals_key_and_a_rotation_keeps_what_was_reported(tmp_path, source):
    Vault.make(tmp_path / "heads", source)
    journal = open_private_folder(tmp_path / "heads", str(source)).journal()
    journal.append([{"user": CANARY}])
    journal.sync()
    Vault.open(tmp_path / "heads", source).rotate()
    again = open_private_folder(tmp_path / "heads", str(source))
    assert [entry.facts for entry in again.reported()] == [{"user": CANARY}]
    assert JOURNAL_KEY in again.heads.names()


def test_opens_no_vault_without_its_key_or_with_another(tmp_path, source):
    Vault.make(tmp_path / "heads", source)
    with pytest.raises(ConfigError, match="say where its key is"):
        open_private_folder(tmp_path / "heads", "")
    with pytest.raises(VaultError, match="does not open this vault"):
        open_private_folder(tmp_path / "heads", str(key_file(tmp_path / "other.key")))
    with pytest.raises(ConfigError, match="holds no vault"):
        open_private_folder(tmp_path / "nothing", str(source))
    assert not (tmp_path / "nothing").exists()
