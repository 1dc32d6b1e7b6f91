"""Where a platform keeps what it knows of releases, in its agent's folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.errors import ConfigError, os_error_as
from shared.system.file_lock import claim, claimant
from shared.system.whole_file import write_whole

FOLDER = "releases"
"""in the agent's folder"""
OWNER_ONLY = 0o600


@dataclass(frozen=True)
class ReleasesPlace:
    """The paths in one folder."""

    folder: Path

    @property
    def trusted(self) -> Path:
        """What TUF trusts: metadata that were verified, and the root that was pinned."""
        return self.folder / "trusted"

    @property
    def pinned_root(self) -> Path:
        """The root that the operator pinned: whose keys count at the beginning."""
        return self.trusted / "pinned-root.json"

    @property
    def parts(self) -> Path:
        """Files that were begun."""
        return self.folder / "parts"

    @property
    def arriving(self) -> Path:
        """The files of a release that is not checked yet."""
        return self.folder / "arriving"

    @property
    def installed(self) -> Path:
        """The record of what is installed."""
        return self.folder / "installed.json"

    def release(self, version: int) -> Path:
        """A release's folder: complete, or not there."""
        return self.folder / str(version)

    def versions(self) -> list[int]:
        """The releases that are there, lowest first."""
        return sorted(int(path.name) for path in self.folder.glob("*") if path.name.isdigit())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder; raises ConfigError where another update does."""
        with claim(self.folder / ".update.lock", f"{self.folder}: an update is under way"):
            yield

    def at_work(self) -> str:
        """The number of the process that updates now; empty where none does."""
        return claimant(self.folder / ".update.lock")

    def root(self) -> bytes:
        """The pinned root; raises ConfigError where none was pinned."""
        try:
            return self.pinned_root.read_bytes()
        except FileNotFoundError:
            raise ConfigError(
                "nobody has said yet whose releases to trust: expected --root FILE, the root.json that the "
                "coordinator's operator gives (graft-server release root)"
            ) from None
        except OSError as error:
            raise ConfigError(f"{self.pinned_root}: cannot be read: {error.strerror}") from error

    def pin(self, root: bytes) -> None:
        """Pin a root that was checked; what is pinned stays.

        Args:
            root: the content of its file.

        Raises:
            ConfigError: if another one is pinned, or it cannot be written.
        """
        if self.pinned_root.exists():
            if self.pinned_root.read_bytes() != root:
                raise ConfigError(
                    f"{self.pinned_root}: another root is pinned already; to trust other keys from now on, delete "
                    f"{self.trusted} first"
                )
            return
        with os_error_as(ConfigError, f"{self.trusted}: cannot be written"):
            self.trusted.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(self.pinned_root, root, mode=OWNER_ONLY)
