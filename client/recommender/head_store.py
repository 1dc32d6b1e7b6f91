"""Where a platform keeps its heads between rounds, runs and restarts: plain files, one per record."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from shared.errors import HeadStoreError

FORMAT = "graft-head/1"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_SUFFIX = ".head"


@dataclass(frozen=True, kw_only=True)
class StoredHead:
    """One record: arrays by name, and plain facts (JSON) beside them."""

    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any] = field(default_factory=dict)


class HeadStore:
    """A folder of records, readable by its owner alone; a write is whole or has not happened."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, name: str, head: StoredHead) -> None:
        """Replace the record; raises HeadStoreError where the folder cannot be written."""
        arrays = {key: np.ascontiguousarray(value) for key, value in sorted(head.arrays.items())}
        facts = json.dumps(dict(head.facts), sort_keys=True)
        content = save(arrays, metadata={"format": FORMAT, "facts": facts, "digest": _digest(arrays, facts)})
        path = self._path(name)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write_through(temporary, content)
            temporary.replace(path)
        except OSError as error:
            raise HeadStoreError(f"head {name!r} cannot be written: {error.strerror}") from error
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def read(self, name: str) -> StoredHead | None:
        """The record, or None where there is none; raises HeadStoreError where it is damaged."""
        path = self._path(name)
        if not path.exists():
            return None
        try:
            with safe_open(path, framework="np") as file:
                metadata = dict(file.metadata() or {})
                arrays = {key: file.get_tensor(key) for key in sorted(file.keys())}
            facts = json.loads(metadata["facts"])
        except (SafetensorError, OSError, ValueError, KeyError) as error:
            raise HeadStoreError(f"head {name!r} is damaged: not a whole head file") from error
        if metadata.get("format") != FORMAT:
            raise HeadStoreError(f"head {name!r} has the format {metadata.get('format')!r}; expected {FORMAT}")
        if metadata.get("digest") != _digest(arrays, metadata["facts"]):
            raise HeadStoreError(f"head {name!r} is damaged: its digest does not match")
        return StoredHead(arrays=arrays, facts=facts)

    def stamp(self, name: str) -> tuple[int, int] | None:
        """Another one after each write of the record; None where there is none."""
        try:
            found = self._path(name).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def names(self) -> tuple[str, ...]:
        """The records' names, sorted."""
        return tuple(sorted(path.stem for path in self._folder.glob(f"*{_SUFFIX}")))

    def delete(self, name: str) -> None:
        """Remove the record if it is there."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise HeadStoreError(f"a head's name must be lower-case letters, digits and '-'; got {name!r}")
        return self._folder / f"{name}{_SUFFIX}"


def _digest(arrays: Mapping[str, NDArray[Any]], facts: str) -> str:
    digest = hashlib.sha256(facts.encode("utf-8"))
    for name, value in sorted(arrays.items()):
        digest.update(f"\0{name}\0{value.dtype.str}\0{value.shape}\0".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()


def _write_through(path: Path, content: bytes) -> None:
    """On disk, not in a cache, before the rename makes it the record."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
