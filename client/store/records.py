"""What keeps a platform's records, sealed or plain: bytes under a name, each replaced whole or not at all."""

import re
from pathlib import Path
from typing import Protocol

NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


class Records(Protocol):
    """A folder of records; every method raises StorageError, which names the record and never its content."""

    def read(self, name: str) -> bytes | None:
        """The record, or None where there is none."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Replace the record; it is on the disk afterwards, or the old one is as it was."""
        ...

    def stamp(self, name: str) -> tuple[int, int] | None:
        """Another one after each write of the record; None where there is none."""
        ...

    def names(self) -> tuple[str, ...]:
        """The records' names, sorted."""
        ...

    def delete(self, name: str) -> None:
        """Remove the record if it is there."""
        ...


def names_in(folder: Path, suffix: str) -> tuple[str, ...]:
    """The records that lie in a folder as NAME + suffix, sorted; half-written files are none."""
    found = (path.name.removesuffix(suffix) for path in folder.glob(f"*{suffix}"))
    return tuple(sorted(name for name in found if NAME.fullmatch(name)))


def stamp_of(path: Path) -> tuple[int, int] | None:
    """Of a record's file, which each write replaces."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
