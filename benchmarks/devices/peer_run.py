"""What an engine's module is told, and what it leaves behind, the same for all of them.

It leaves ``final.npy``, the encoder's sequence part as one flat array [P], and ``run.json``. Imported in the
environments of the peers: needs numpy and this repository.
"""

import argparse
import json
import platform
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.devices.device_course import DeviceCourse

FINAL_FILE, RUN_FILE = "final.npy", "run.json"


class PeerRun:
    """Notes when rounds begin and end, by the time of day, so that a watch from outside can be laid beside it."""

    def __init__(self, folder: Path, out: Path, processes: int) -> None:
        """``folder`` holds the course, ``out`` is where results go, ``processes`` may compute side by side."""
        self.folder, self.out, self.processes = folder, out, processes
        self.course = DeviceCourse.read(folder)
        self._moments: list[float] = []

    @classmethod
    def from_arguments(cls) -> "PeerRun":
        """Read the command line of an engine's module."""
        parser = argparse.ArgumentParser()
        parser.add_argument("course", type=Path)
        parser.add_argument("out", type=Path)
        parser.add_argument("--processes", type=int, required=True)
        options = parser.parse_args()
        return cls(options.course, options.out, options.processes)

    def begin(self) -> None:
        """The first round begins."""
        self._moments = [time.time()]

    def end_round(self) -> None:
        """A round has ended: its changes are in the encoder."""
        self._moments.append(time.time())

    def finish(self, flat: NDArray[np.float32], packages: tuple[str, ...]) -> None:
        """Leave the results.

        Args:
            flat: [P] the final encoder's sequence part.
            packages: whose versions are told beside those of Python, numpy and torch.

        Raises:
            ValueError: where another number of rounds was noted than the course has.
        """
        noted = len(self._moments) - 1
        if noted != self.course.rounds:
            raise ValueError(f"expected {self.course.rounds} rounds; {noted} were noted")
        versions = {"Python": platform.python_version()}
        versions |= {name: version(name) for name in ("numpy", "torch", *packages)}
        np.save(self.out / FINAL_FILE, flat)
        (self.out / RUN_FILE).write_text(json.dumps({"moments": self._moments, "versions": versions}), "utf-8")
