"""Where a run's secure sums stand, on the disk before a stage's messages leave; shares of secrets are never in it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from shared.errors import CheckpointError, os_error_as
from shared.system.array_file import NotAnArrayFile, array_digest, array_file, read_array_file
from shared.system.whole_file import write_whole

SUMS_FILE = "sums.safetensors"
_FORMAT = "graft-sums/2"


@dataclass(frozen=True, kw_only=True)
class Reached:
    """Where the sums of all groups stand."""

    which: str = ""
    """sum of which run they are for; empty where there was none"""
    states: Mapping[str, bytes] = field(default_factory=dict)
    """by group, its coordinator's state"""
    failed: Mapping[str, str] = field(default_factory=dict)
    """by group whose sum failed, why"""


class KeptSums:
    """One file in a run's folder, replaced whole; without a folder nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def keep(self, reached: Reached) -> None:
        """Keep where the sums stand; it is on the disk when this returns.

        Args:
            reached: takes the place of what was kept before.

        Raises:
            CheckpointError: if it cannot be written.
        """
        if self._folder is None:
            return
        arrays = {group: np.frombuffer(state, np.uint8) for group, state in sorted(reached.states.items())}
        facts = json.dumps({"which": reached.which, "failed": dict(reached.failed)}, sort_keys=True)
        texts = {"format": _FORMAT, "facts": facts, "digest": array_digest(arrays, facts)}
        with os_error_as(CheckpointError, f"{self._folder}: the sums cannot be written"):
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._folder / SUMS_FILE, array_file(arrays, texts))

    def read(self) -> Reached:
        """What was kept last; raises CheckpointError where the file is damaged."""
        path = (self._folder or Path()) / SUMS_FILE
        if self._folder is None or not path.exists():
            return Reached()
        try:
            arrays, texts = read_array_file(path)
        except (NotAnArrayFile, OSError) as error:
            raise CheckpointError(f"{path}: where the sums stand is not whole") from error
        facts = texts.get("facts", "")
        if texts.get("format") != _FORMAT or texts.get("digest") != array_digest(arrays, facts):
            raise CheckpointError(f"{path}: damaged, or of another release")
        reached = json.loads(facts)
        states = {group: state.tobytes() for group, state in sorted(arrays.items())}
        return Reached(which=reached["which"], states=states, failed=reached["failed"])


NOT_KEPT = KeptSums(None)
