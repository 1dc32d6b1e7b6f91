"""The folder from which every engine reads one and the same work: data, draws, initial encoder, settings.

U devices, E events, n items, D input dim, R rounds, K devices of a cohort, S local steps, m negatives of a step, P
numbers of the encoder's sequence part. Imported in the environments of the peers too: needs numpy and this repository.
"""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import DataError

SETTINGS_FILE = "settings.json"


@dataclass(frozen=True, kw_only=True)
class CourseSettings:
    """What is no array of a course."""

    platform: str
    """its name"""
    preset: str
    """of the encoder"""
    learning_rate: float
    """of plain SGD on a device"""
    server_learning_rate: float
    """by which the mean of a round's changes enters the encoder"""
    seed: int
    """of all draws"""


@dataclass(frozen=True, eq=False, kw_only=True)
class DeviceCourse:
    """All that an engine trains on, and what its result is judged by."""

    settings: CourseSettings
    features: NDArray[np.float32]
    """[n, D]"""
    offsets: NDArray[np.int64]
    """[U + 1] of ``items``"""
    items: NDArray[np.int32]
    """[E] each device's training events, oldest first"""
    cohorts: NDArray[np.int64]
    """[R, K] devices of each round; each can train"""
    negatives: NDArray[np.int64]
    """[R, S, m] items, the same for all devices of a round"""
    initial: NDArray[np.float32]
    """[P] in the order of the module's state"""
    history_offsets: NDArray[np.int64]
    """[U + 1] of ``history_items``"""
    history_items: NDArray[np.int32]
    """all events of each device before the one for the test"""
    targets: NDArray[np.int32]
    """[U] the test event's item of each device"""

    @property
    def n_items(self) -> int:
        """Size of the catalogue."""
        return len(self.features)

    @property
    def rounds(self) -> int:
        """R."""
        return len(self.cohorts)

    @property
    def cohort(self) -> int:
        """K."""
        return int(self.cohorts.shape[1])

    def events(self, device: int, length: int) -> NDArray[np.int64]:
        """What a device trains on.

        Args:
            device: its row.
            length: L, positions of the encoder.

        Returns:
            [T + 1] its last training events, L + 1 of them at most.
        """
        last = self.items[self.offsets[device] : self.offsets[device + 1]][-(length + 1) :]
        return np.asarray(last, np.int64)

    def write(self, folder: Path) -> None:
        """Write it into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, array in self._arrays().items():
            np.save(folder / f"{name}.npy", array)
        (folder / SETTINGS_FILE).write_text(json.dumps(asdict(self.settings), indent=1), "utf-8")

    @classmethod
    def read(cls, folder: Path) -> "DeviceCourse":
        """From a folder that ``write`` made; arrays are mapped, not read.

        Raises:
            DataError: where a file is missing.
        """
        names = [field.name for field in fields(cls) if field.name != "settings"]
        for file in (SETTINGS_FILE, *(f"{name}.npy" for name in names)):
            if not (folder / file).is_file():
                raise DataError(f"expected the folder of a course; {folder} has no {file}")
        settings: dict[str, Any] = json.loads((folder / SETTINGS_FILE).read_text("utf-8"))
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}
        return cls(settings=CourseSettings(**settings), **arrays)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "settings"}
