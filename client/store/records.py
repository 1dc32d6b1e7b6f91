"""What keeps a platform's records, sealed or plain: bytes under a name, each replaced whole or not at all.

Plain files, readable by their owner alone, are for experiments, in which nobody's data is real.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from client.store.content import Content, InBlocks, InMemory, RecordFile, whole_of
from client.store.sealed import PLAIN, BlockCheck, Bytes, Header, sealed_parts
from shared.errors import HeadStoreError, VaultError, os_error_as
from shared.system.whole_file import write_whole

OWNER_ONLY = 0o600
_SUFFIX = ".head"
NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


class Records(Protocol):
    """A folder of records; every method raises StorageError, which names the record and never its content."""

    def read(self, name: str) -> bytes | None:
        """The content of a record.

        Args:
            name: of the record.

        Returns:
            all bytes; None where there is no record.

        Raises:
            StorageError: if it cannot be read.
        """
        ...

    def content(self, name: str) -> Content | None:
        """The content of a record, to be read where it is wanted.

        Args:
            name: of the record.

        Returns:
            the content as it is now, whatever replaces it later; None where there is no record.

        Raises:
            StorageError: if it cannot be read.
        """
        ...

    def write(self, name: str, content: bytes) -> None:
        """Replace the record; it is on the disk afterwards, or the old one is as it was.

        Args:
            name: of the record.
            content: all bytes of the new one.

        Raises:
            StorageError: if it cannot be written.
        """
        ...

    def write_parts(self, name: str, parts: Iterable[Bytes], size: int) -> None:
        """``write``, of a content that need not lie in memory at once.

        Args:
            name: of the record.
            parts: of the new content, in order.
            size: of all parts, in bytes.

        Raises:
            StorageError: if it cannot be written.
        """
        ...

    def stamp(self, name: str) -> tuple[int, int] | None:
        """A mark that is another one after each write of the record.

        Args:
            name: of the record.

        Returns:
            the mark; None where there is no record.
        """
        ...

    def names(self) -> tuple[str, ...]:
        """The records' names, sorted."""
        ...

    def delete(self, name: str) -> None:
        """Remove the record if it is there."""
        ...


def names_in(folder: Path, suffix: str) -> tuple[str, ...]:
    """The records that lie in a folder, sorted; half-written files are none.

    Args:
        folder: where they lie, as files NAME + suffix.
        suffix: of their files.

    Returns:
        their names, without the suffix.
    """
    names = (path.name.removesuffix(suffix) for path in folder.glob(f"*{suffix}"))
    return tuple(sorted(name for name in names if NAME.fullmatch(name)))


def stamp_of(path: Path) -> tuple[int, int] | None:
    """A mark that is another one after each write of a record, which replaces its file.

    Args:
        path: of the record's file.

    Returns:
        inode and time of change in nanoseconds; None where there is no file.
    """
    try:
        file_stat = path.stat()
    except OSError:
        return None
    return file_stat.st_ino, file_stat.st_mtime_ns


class PlainFolder:
    """See ``Records``; raises HeadStoreError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes | None:
        """See ``Records``."""
        content = self.content(name)
        return None if content is None else whole_of(content)

    def content(self, name: str) -> Content | None:
        """See ``Records``; a file of before, which has no header, is the content itself."""
        try:
            file = RecordFile(self._path(name))
            header = file.header(name)
            if header is None or header.form != PLAIN:
                return InMemory(file.all_after(0))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise HeadStoreError(f"head {name!r} cannot be read: {error.strerror}") from error
        except VaultError as error:
            raise HeadStoreError(str(error)) from error
        if file.excess(header):
            raise HeadStoreError(f"head {name!r} is damaged: not a whole head file")
        return InBlocks(file, header, BlockCheck(header), HeadStoreError).check()

    def write(self, name: str, content: bytes) -> None:
        """Replace the record; see ``Records``.

        Args:
            name: of the record.
            content: all bytes of the new one.

        Raises:
            HeadStoreError: if it cannot be written.
        """
        self.write_parts(name, (content,), len(content))

    def write_parts(self, name: str, parts: Iterable[Bytes], size: int) -> None:
        """See ``Records``.

        Args:
            name: of the record.
            parts: of the new content, in order.
            size: of all parts, in bytes.

        Raises:
            HeadStoreError: if it cannot be written.
        """
        path = self._path(name)
        header = Header(name=name, version=0, key=0, size=size)
        with os_error_as(HeadStoreError, f"head {name!r} cannot be written"):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(path, sealed_parts(header, BlockCheck(header), parts), mode=OWNER_ONLY)

    def stamp(self, name: str) -> tuple[int, int] | None:
        """See ``Records``."""
        return stamp_of(self._path(name))

    def names(self) -> tuple[str, ...]:
        """See ``Records``."""
        return names_in(self._folder, _SUFFIX)

    def delete(self, name: str) -> None:
        """See ``Records``."""
        with os_error_as(HeadStoreError, f"head {name!r} cannot be deleted"):
            self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise HeadStoreError(f"a head's name must be lower-case letters, digits and '-'; got {name!r}")
        return self._folder / f"{name}{_SUFFIX}"
