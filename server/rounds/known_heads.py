"""Which privacy ledgers platforms have shown with vectors under noise: the last digest of each, in whole files.

A platform that is shown the digest's own digest looks for it in its ledger before it gives anything: a copy of it, or
one that was reset, does not find it. No number of a platform's leaves for that.
"""

from pathlib import Path

from shared.errors import CheckpointError, os_error_as
from shared.privacy.ledger import seal_of
from shared.system.whole_file import write_whole


class KnownHeads:
    """In a folder, a file each; without one they are known as long as the object lives."""

    def __init__(self, folder: Path | None) -> None:
        self._folder, self._held = folder, dict[str, str]()

    def seal(self, platform: str) -> str:
        """What the platform is shown of its own ledger; empty where none was seen. Raises CheckpointError."""
        path = self._path(platform)
        if path is None or not path.exists():
            head = self._held.get(platform, "")
        else:
            with os_error_as(CheckpointError, f"{path}: cannot be read"):
                head = path.read_text("ascii", "replace")
        return seal_of(head) if head else ""

    def saw(self, platform: str, head: str) -> None:
        """Keep the digest that came with an answer.

        Args:
            platform: whose answer it was.
            head: digest to which the platform's privacy ledger had come.

        Raises:
            CheckpointError: if the file cannot be written.
        """
        self._held[platform] = head
        if (path := self._path(platform)) is not None:
            with os_error_as(CheckpointError, f"{path}: cannot be written"):
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                write_whole(path, head.encode("ascii"))

    def _path(self, platform: str) -> Path | None:
        return None if self._folder is None else self._folder / f"{platform}.head"
