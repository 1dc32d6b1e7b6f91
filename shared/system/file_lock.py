"""A lock that one process holds at a time; the system drops it when that process ends, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from shared.errors import ConfigError


@contextmanager
def file_lock(path: Path, *, wait: bool = True) -> Iterator[BinaryIO]:
    """Hold the lock of a file.

    Args:
        path: the file, which is made where there is none.
        wait: whether to wait until no other process holds the lock.

    Yields:
        The file, open to append bytes; the lock is dropped where it is closed.

    Raises:
        BlockingIOError: if another process holds the lock and ``wait`` is false.
    """
    with path.open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield stream


@contextmanager
def claim(path: Path, taken: str) -> Iterator[None]:
    """Hold the lock, and leave the number of this process in its file, whose folder is made where there is none.

    Args:
        path: the file.
        taken: beginning of the error's sentence where another process holds the lock.

    Raises:
        ConfigError: if another process holds it, with ``taken`` and that one's number; if nothing can be written there.
    """
    with ExitStack() as held:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            stream = held.enter_context(file_lock(path, wait=False))
        except BlockingIOError as error:
            raise ConfigError(f"{taken}, as process {claimant(path)}") from error
        except OSError as error:
            raise ConfigError(f"{path.parent} must be a folder that can be written; {error.strerror}") from error
        with suppress(OSError):  # on a full disk the lock counts all the same, and only the number is missing
            stream.truncate(0)
            os.write(stream.fileno(), f"{os.getpid()}\n".encode("ascii"))
        yield


def is_locked(path: Path) -> bool:
    """Whether another process holds the lock now."""
    if not path.exists():
        return False
    try:
        with file_lock(path, wait=False):
            return False
    except BlockingIOError:
        return True


def claimant(path: Path) -> str:
    """The number of the process that claims the file now, "?" where it could not leave it; empty where none does."""
    if not is_locked(path):
        return ""
    with suppress(OSError):
        return path.read_text("utf-8", "replace").strip() or "?"
    return "?"
