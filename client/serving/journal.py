"""What callers reported, durable before it is acknowledged: an append-only file of numbered lines, sealed or plain."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from client.serving.journal_lines import Entry, Facts, Lines, PlainLines
from shared.errors import JournalError, os_error_as
from shared.system.whole_file import write_whole

JOURNAL = "reports.log"
"""The file's name, in the folder of heads."""


class Journal(Protocol):
    """Where entries are kept."""

    def append(self, entries: Sequence[Facts]) -> int:
        """Write entries in order; they are durable after the next ``sync``.

        Args:
            entries: as JSON, without their numbers.

        Returns:
            The number of the entry before them.

        Raises:
            JournalError: if they cannot be written; then none is.
        """
        ...

    def sync(self) -> None:
        """Return once all that was appended is durable; raises JournalError where that cannot be said."""
        ...

    def entries(self) -> Iterator[Entry]:
        """Everything that is there at the call, oldest first; raises JournalError where it is damaged."""
        ...

    def remove(self, unwanted: Callable[[Facts], bool]) -> int:
        """Remove entries for good, all or none.

        Args:
            unwanted: whether an entry shall go.

        Returns:
            How many were removed.

        Raises:
            JournalError: if the journal is damaged, or cannot be read or written.
        """
        ...

    def check(self) -> None:
        """Raises JournalError where the last entries could not be written, or no more can be."""
        ...


class FileJournal:
    """A file readable by its owner alone; several threads may append, and share the wait for the disk.

    A last line that a crash cut off was never acknowledged, and is dropped; any other damage is an error.
    """

    def __init__(self, path: Path, lines: Lines | None = None) -> None:
        self._path, self._lines = path, lines or PlainLines()
        self._write_lock, self._sync_lock = threading.Lock(), threading.Lock()
        self._written = self._synced = 0
        self._failed, self._refused = False, ""
        with os_error_as(JournalError, "the journal cannot be opened"):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            whole, last = self._measure()
            os.ftruncate(self._handle, whole)
            os.fsync(self._handle)
        self._number = last

    def append(self, entries: Sequence[Facts]) -> int:
        """See ``Journal``."""
        with self._write_lock:
            self._require_sound()
            numbered = enumerate(entries, self._number + 1)
            lines = [self._lines.line(Entry(number=number, facts=facts)) for number, facts in numbered]
            size = os.fstat(self._handle).st_size
            try:
                _write_all(self._handle, b"".join(lines))
            except OSError as error:
                self._refused = f"the journal cannot be written: {error.strerror}"
                self._cut_back(size)
                raise JournalError(self._refused) from error
            self._refused = ""
            self._number += len(lines)
            self._written += 1
            return self._number - len(lines)

    def sync(self) -> None:
        """See ``Journal``; one wait serves all who came while the one before it lasted."""
        written = self._written
        with self._sync_lock:
            self._require_sound()
            if self._synced >= written:
                return
            reached = self._written
            try:
                os.fdatasync(self._handle)
            except OSError as error:
                # after a failed fsync the system may have forgotten what was not written: nothing can be promised
                self._failed = True
                raise JournalError(f"the journal cannot be made durable: {error.strerror}") from error
            self._synced = reached

    def entries(self) -> Iterator[Entry]:
        """See ``Journal``."""
        with self._write_lock:
            content = self._path.read_bytes()
        return _entries(content, self._lines)

    def remove(self, unwanted: Callable[[Facts], bool]) -> int:
        """See ``Journal``."""
        with self._write_lock, self._sync_lock:
            self._require_sound()
            lines = self._path.read_bytes().splitlines(keepends=True)
            remaining = [line for line in lines if not unwanted(self._required(line).facts)]
            if not remaining or self._required(remaining[-1]).number < self._number:
                remaining.append(self._lines.line(Entry(number=self._number, facts={"kind": "removed"})))
            with os_error_as(JournalError, "the journal cannot be written"):
                write_whole(self._path, b"".join(remaining))
                self._path.chmod(0o600)
                os.close(self._handle)
                self._handle = os.open(self._path, os.O_RDWR | os.O_APPEND)
            return len(lines) - sum(line in remaining for line in lines)

    def check(self) -> None:
        """See ``Journal``."""
        self._require_sound()
        if self._refused:
            raise JournalError(self._refused)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)

    def _require_sound(self) -> None:
        if self._failed:
            raise JournalError("the journal failed before; start again once the disk is well")

    def _cut_back(self, size: int) -> None:
        """Take back what was written of entries that were refused; where that fails, nothing may follow it."""
        try:
            os.ftruncate(self._handle, size)
        except OSError:
            self._failed = True

    def _measure(self) -> tuple[int, int]:
        """Bytes up to the end of the last whole line, and its number."""
        content = self._path.read_bytes()
        whole = content.rfind(b"\n") + 1
        lines = content[:whole].splitlines(keepends=True)
        if not lines:
            return whole, 0
        last = self._lines.entry(lines[-1])
        if last is None:  # cut off within a block that held several lines
            return len(content[:whole]) - len(lines[-1]), self._required(lines[-2]).number if len(lines) > 1 else 0
        return whole, last.number

    def _required(self, line: bytes) -> Entry:
        entry = self._lines.entry(line)
        if entry is None:
            raise JournalError("the journal is damaged")
        return entry


def read_journal(path: Path, lines: Lines | None = None) -> list[Entry]:
    """What a journal holds, for who does not write to it: a last line that is not whole yet is left out.

    Args:
        path: of the journal's file.
        lines: how an entry stands in a line; None: in the clear.

    Returns:
        The entries, oldest first; empty where there is no such file.

    Raises:
        JournalError: if the file is damaged or cannot be read.
    """
    with os_error_as(JournalError, "the journal cannot be read"):
        content = path.read_bytes() if path.exists() else b""
    return list(_entries(content[: content.rfind(b"\n") + 1], lines or PlainLines()))


def _entries(content: bytes, lines: Lines) -> Iterator[Entry]:
    before = 0
    for place, line in enumerate(content.splitlines(keepends=True), 1):
        entry = lines.entry(line)
        if entry is None or entry.number <= before:
            raise JournalError(f"the journal is damaged in line {place}")
        yield entry
        before = entry.number


def _write_all(handle: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(handle, view) :]
