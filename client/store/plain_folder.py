"""Records as plain files, readable by their owner alone: for experiments, in which nobody's data is real."""

from pathlib import Path

from client.store.records import NAME, names_in, stamp_of
from shared.errors import HeadStoreError
from shared.system.whole_file import write_whole

OWNER_ONLY = 0o600
_SUFFIX = ".head"


class PlainFolder:
    """See ``Records``; raises HeadStoreError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes | None:
        """See ``Records``."""
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise HeadStoreError(f"head {name!r} cannot be read: {error.strerror}") from error

    def write(self, name: str, content: bytes) -> None:
        """See ``Records``."""
        path = self._path(name)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(path, content, mode=OWNER_ONLY)
        except OSError as error:
            raise HeadStoreError(f"head {name!r} cannot be written: {error.strerror}") from error

    def stamp(self, name: str) -> tuple[int, int] | None:
        """See ``Records``."""
        return stamp_of(self._path(name))

    def names(self) -> tuple[str, ...]:
        """See ``Records``."""
        return names_in(self._folder, _SUFFIX)

    def delete(self, name: str) -> None:
        """See ``Records``."""
        try:
            self._path(name).unlink(missing_ok=True)
        except OSError as error:
            raise HeadStoreError(f"head {name!r} cannot be deleted: {error.strerror}") from error

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise HeadStoreError(f"a head's name must be lower-case letters, digits and '-'; got {name!r}")
        return self._folder / f"{name}{_SUFFIX}"
