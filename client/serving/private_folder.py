"""The folder in which a service keeps what is private, heads and what callers reported: sealed where it is a vault.

One service has it at a time: two would number the lines of one journal twice, and nobody could read it again.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from client.serving.journal import JOURNAL, FileJournal, read_journal
from client.serving.journal_lines import Entry, Lines, PlainLines, SealedLines
from client.store.head_store import HeadStore, StoredRecord, open_records
from client.store.records import Records
from client.store.sealed import KEY
from shared.errors import ConfigError, HeadStoreError
from shared.system.file_lock import claim, claimant, file_lock

PLACE = ".serving.lock"
"""in the folder of heads"""


@contextmanager
def only_service(heads: Path) -> Iterator[None]:
    """Hold the folder; raises ConfigError where another service does, or nothing can be written there."""
    try:
        heads.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError(f"{heads} must be a folder that can be written; {error.strerror}") from error
    with claim(heads / PLACE, f"{heads}: a service runs on it already"):
        yield


def serving(heads: Path) -> str:
    """The number of the process that serves from the folder; empty where none does."""
    return claimant(heads / PLACE)


JOURNAL_KEY = "journal-key"
"""the record that holds what the journal's lines are sealed under; a rotation of the vault seals it anew"""
_LOCK = ".journal-key.lock"


@dataclass(frozen=True, kw_only=True)
class PrivateFolder:
    """An opened one."""

    folder: Path
    heads: HeadStore
    lines: Lines

    def journal(self) -> FileJournal:
        """For the one who writes to it; raises JournalError."""
        return FileJournal(self.folder / JOURNAL, self.lines)

    def reported(self) -> list[Entry]:
        """What callers have reported so far; raises JournalError."""
        return read_journal(self.folder / JOURNAL, self.lines)


def open_private_folder(folder: Path, key: str) -> PrivateFolder:
    """Open a vault, or plain files.

    Args:
        folder: where they lie.
        key: what opens the vault (KIND:WHERE); empty: plain files.

    Returns:
        The opened folder.

    Raises:
        ConfigError: if there is no vault, or there is one and no key.
        StorageError: if it does not open.
    """
    return private_folder(folder, open_records(folder, key), sealed=bool(key))


def private_folder(folder: Path, records: Records, *, sealed: bool) -> PrivateFolder:
    """The same, of records that are open already.

    Args:
        folder: where they lie.
        records: the opened ones.
        sealed: whether they are those of a vault; the journal's lines are sealed, too, then.

    Returns:
        The opened folder.

    Raises:
        StorageError: if the journal's key cannot be read or written.
    """
    heads = HeadStore(records)
    lines = SealedLines(_journal_key(folder, heads)) if sealed else PlainLines()
    return PrivateFolder(folder=folder, heads=heads, lines=lines)


def _journal_key(folder: Path, heads: HeadStore) -> bytes:
    """The one that is there, or a new one; two processes that come at once agree on one."""
    with file_lock(folder / _LOCK):
        stored = heads.read(JOURNAL_KEY)
        if stored is None:
            stored = StoredRecord(arrays={"key": np.frombuffer(os.urandom(KEY), np.uint8)})
            heads.write(JOURNAL_KEY, stored)
    key = stored.arrays["key"].tobytes() if "key" in stored.arrays else b""
    if len(key) != KEY:
        raise HeadStoreError(f"head {JOURNAL_KEY!r} is damaged: not a key")
    return key
