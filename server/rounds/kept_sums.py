"""Where a run's secure sums stand, on the disk before a stage's messages leave; shares of secrets are never in it."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from server.rounds.told_stage import tell_stage
from shared.errors import CheckpointError, os_error_as
from shared.system.array_file import NotAnArrayFile, array_digest, array_file, read_array_file
from shared.system.whole_file import write_whole

SUMS_FILE = "sums.safetensors"
_FORMAT, _STATE = "graft-sums/1", "state"


class KeptSums:
    """One file in a run's folder, replaced whole; without a folder nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def begins(self, round_number: int, stage: str, asked: Iterable[str]) -> None:
        """Let those who watch know which stage is asked of whom."""
        tell_stage(self._folder, round_number, stage, asked)

    def keep(self, which: str, state: bytes) -> None:
        """The coordinator's state, and which sum of which run it is for; raises CheckpointError."""
        if self._folder is None:
            return
        arrays = {_STATE: np.frombuffer(state, np.uint8)}
        texts = {"format": _FORMAT, "which": which, "digest": array_digest(arrays, which)}
        with os_error_as(CheckpointError, f"{self._folder}: the sums cannot be written"):
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._folder / SUMS_FILE, array_file(arrays, texts))

    def read(self) -> tuple[str, bytes]:
        """What was kept last; empty where nothing was. Raises CheckpointError where the file is damaged."""
        path = (self._folder or Path()) / SUMS_FILE
        if self._folder is None or not path.exists():
            return "", b""
        try:
            arrays, texts = read_array_file(path)
        except (NotAnArrayFile, OSError) as error:
            raise CheckpointError(f"{path}: where the sums stand is not whole") from error
        which = texts.get("which", "")
        if texts.get("format") != _FORMAT or texts.get("digest") != array_digest(arrays, which):
            raise CheckpointError(f"{path}: damaged, or of another release")
        return which, arrays[_STATE].tobytes()


NOT_KEPT = KeptSums(None)
