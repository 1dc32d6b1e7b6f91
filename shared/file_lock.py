"""A lock that one process holds at a time; the system drops it when that process ends, however it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def file_lock(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock; raises BlockingIOError where another holds it and ``wait`` is false."""
    with path.open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
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
