"""Writing a file whole or not at all: a reader, and a machine that went down, sees the old one or the new one."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, content: bytes | Iterable[bytes], *, mode: int = 0o666) -> None:
    """Write beside the file, through to the disk, then rename.

    Args:
        path: the file; its folder must be there.
        content: all of its bytes, or their parts in order.
        mode: bits that say who may read and write it, before the umask takes something away.

    Raises:
        OSError: if that is not possible.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as stream:
            for part in (content,) if isinstance(content, bytes) else content:
                stream.write(part)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """A rename or a removal in the folder, through to the disk; raises OSError."""
    sync_file(folder)


def sync_file(path: Path) -> None:
    """What was written to a file, through to the disk; raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
