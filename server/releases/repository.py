"""A coordinator's repository of releases, as TUF lays it out: metadata, and files named after their digests.

What is to be written is put together first, then written file by file, the timestamp last: nothing refers to a file
before it is there. So whoever reads after a kill at any moment sees the state of before or the new one.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tuf.api.metadata import TargetFile

from server.releases.chain import TIMESTAMP, Chain, read_chain
from shared.errors import ConfigError, os_error_as
from shared.system.file_lock import claim
from shared.system.whole_file import write_whole


@dataclass(frozen=True, eq=False)
class Write:
    """A file that is to be written whole."""

    path: Path
    content: bytes


@dataclass(frozen=True)
class Repository:
    """The paths in one folder, which is served as it is."""

    folder: Path

    @property
    def metadata(self) -> Path:
        """TUF's."""
        return self.folder / "metadata"

    @property
    def targets(self) -> Path:
        """The files of releases."""
        return self.folder / "targets"

    @property
    def exists(self) -> bool:
        """Whether it was made: the timestamp is its last file."""
        return (self.metadata / TIMESTAMP).exists()

    def chain(self, pinned: bytes | None = None) -> Chain:
        """What it says now.

        Args:
            pinned: content of the root that is trusted before; None: its own first root is.

        Returns:
            The metadata, whose signatures hold; they may have expired.

        Raises:
            ConfigError: if there is no repository yet.
            ReleaseRefused: if a part of it does not hold.
        """
        if not self.exists:
            raise ConfigError(f"{self.folder}: there is no release yet; graft-server release publish makes the first")
        return read_chain(self.metadata, pinned)

    def file(self, target: TargetFile) -> Path:
        """Where a file of a release lies."""
        return self.targets / f"{target.hashes['sha256']}.{target.path}"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder; raises ConfigError where another process changes it."""
        with claim(self.folder / ".lock", f"{self.folder}: releases are being changed"):
            yield

    def write(self, writes: Iterable[Write]) -> None:
        """Write files in their order, each whole; raises ConfigError where that is not possible."""
        for entry in writes:
            with os_error_as(ConfigError, f"{entry.path}: cannot be written"):
                entry.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                write_whole(entry.path, entry.content)
