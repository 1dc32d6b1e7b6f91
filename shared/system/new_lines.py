"""The lines that were added to a file since one looked last."""

from pathlib import Path


class NewLines:
    """Follows a file that is only added to, or emptied and begun anew."""

    def __init__(self, path: Path, *, from_its_end: bool = False) -> None:
        self._path = path
        self._offset = _size(path) if from_its_end else 0

    def read(self) -> list[str]:
        """Whole lines without their ends; empty where there is no file."""
        if _size(self._path) < self._offset:
            self._offset = 0
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._offset)
                whole, end, _ = stream.read().rpartition(b"\n")
        except OSError:
            return []
        self._offset += len(whole) + len(end)
        return whole.decode("utf-8", "replace").splitlines() if end else []


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
