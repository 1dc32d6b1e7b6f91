"""The content of a record, read where it is wanted: block by block from its file, or from memory."""

import os
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from client.store.sealed import BLOCK, LONGEST_HEADER, NONCE, TAG, WHOLE, Header, Seal
from shared.errors import StorageError

_AT_ONCE = 64
"""blocks that are read from the disk at once"""


class Content(Protocol):
    """The bytes of one record, as they were when it was opened; any number of threads may read."""

    @property
    def size(self) -> int:
        """How many bytes there are."""
        ...

    def read_into(self, start: int, view: memoryview) -> None:
        """Read a stretch.

        Args:
            start: its first byte.
            view: where it is written; as long as the stretch.

        Raises:
            StorageError: if that part of the record is damaged.
        """
        ...


def whole_of(content: Content) -> bytes:
    """All bytes of a content; raises StorageError where it is damaged."""
    whole = bytearray(content.size)
    content.read_into(0, memoryview(whole))
    return bytes(whole)


def parts_of(content: Content, start: int = 0, size: int | None = None) -> Iterator[bytes]:
    """A stretch of a content, part by part.

    Args:
        content: which is read.
        start: its first byte.
        size: in bytes; None: to the end.

    Yields:
        The parts, in order.

    Raises:
        StorageError: if it is damaged.
    """
    end = content.size if size is None else start + size
    while start < end:
        part = bytearray(min(end, (start // BLOCK + _AT_ONCE) * BLOCK) - start)
        content.read_into(start, memoryview(part))
        yield bytes(part)
        start += len(part)


class InMemory:
    """See ``Content``."""

    def __init__(self, content: bytes) -> None:
        self._content, self.size = memoryview(content), len(content)

    def read_into(self, start: int, view: memoryview) -> None:
        """See ``Content``.

        Args:
            start: its first byte.
            view: where it is written.
        """
        view[:] = self._content[start : start + len(view)]


class RecordFile:
    """A record's file, open: a replacement of it, which is another file, changes nothing here."""

    def __init__(self, path: Path) -> None:
        """Raises OSError where there is none, or it cannot be read."""
        self.handle = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self.handle)
        self.length = os.fstat(self.handle).st_size

    def header(self, name: str) -> Header | None:
        """The header; see ``Header.from_line``.

        Args:
            name: the record that it must be of.

        Returns:
            The header; None where the file begins otherwise.

        Raises:
            VaultError: if it is of another format, or was written as another record.
        """
        return Header.from_line(os.pread(self.handle, LONGEST_HEADER, 0), name)

    def excess(self, header: Header) -> int:
        """Bytes beyond what the header tells of the file's length; below 0 where some are missing."""
        extra = NONCE + TAG if header.form == WHOLE else TAG * header.blocks
        return self.length - len(header.to_line()) - header.size - extra

    def all_after(self, start: int) -> bytes:
        """Everything from a place on."""
        return b"".join(iter(_Reading(self.handle, start), b""))


class _Reading:
    """Calls give the next bytes of a file, and none at its end."""

    def __init__(self, handle: int, place: int) -> None:
        self._handle, self._place = handle, place

    def __call__(self) -> bytes:
        part = os.pread(self._handle, BLOCK * _AT_ONCE, self._place)
        self._place += len(part)
        return part


class InBlocks:
    """See ``Content``; of a file in blocks."""

    def __init__(self, file: RecordFile, header: Header, seal: Seal, failure: type[StorageError]) -> None:
        """``failure`` is raised where the file can be read no more."""
        self._file, self._seal, self._failure = file, seal, failure
        self._start, self._name, self.size = len(header.to_line()), header.name, header.size

    def check(self) -> "InBlocks":
        """Itself; raises StorageError where the header or the first block is damaged."""
        self.read_into(0, memoryview(bytearray(min(1, self.size))))
        if not self.size:
            self._seal.open(0, self._stored(0, 1))
        return self

    def read_into(self, start: int, view: memoryview) -> None:
        """See ``Content``.

        Args:
            start: its first byte.
            view: where it is written.
        """
        stop = start + len(view)
        last = -(-stop // BLOCK)
        for first in range(start // BLOCK, last, _AT_ONCE):
            stored = memoryview(self._stored(first, min(first + _AT_ONCE, last)))
            for place in range(0, len(stored), BLOCK + TAG):
                number = first + place // (BLOCK + TAG)
                block = self._seal.open(number, stored[place : place + BLOCK + TAG])
                begin, end = max(start, number * BLOCK), min(stop, number * BLOCK + len(block))
                view[begin - start : end - start] = block[begin - number * BLOCK : end - number * BLOCK]

    def _stored(self, first: int, last: int) -> bytes:
        """Blocks as they are stored, from ``first`` to before ``last``."""
        place = first * (BLOCK + TAG)
        length = min(last * BLOCK, self.size) - first * BLOCK + TAG * (last - first)
        try:
            stored = os.pread(self._file.handle, length, self._start + place)
        except OSError as error:
            raise self._failure(f"record {self._name!r} cannot be read: {error.strerror}") from error
        if len(stored) != length:
            raise self._failure(f"record {self._name!r} is damaged: its file was cut off")
        return stored
