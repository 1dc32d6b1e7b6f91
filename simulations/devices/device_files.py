"""Devices as files that several processes map into memory: none holds what it does not touch.

They are array files of numpy's, whose numbers lie as in an Arrow buffer.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from client.data.sequences import Sequences
from client.rounds.device_workspace import DeviceCatalogue
from shared.feature_space import FeatureSpace
from simulations.devices.held_devices import HeldDevices

EVENTS, OFFSETS, FEATURES, SPACE = "events.npy", "offsets.npy", "features.npy", "space.json"


def write_devices(devices: HeldDevices, folder: Path) -> Path:
    """Write devices down.

    Args:
        devices: U devices.
        folder: under which a folder of their own is made.

    Returns:
        That folder; no other has had its name.
    """
    place = folder / f"devices-{uuid4().hex}"
    place.mkdir(parents=True)
    np.save(place / EVENTS, devices.histories.items)
    np.save(place / OFFSETS, devices.histories.offsets)
    np.save(place / FEATURES, devices.catalogue.features)
    (place / SPACE).write_text(json.dumps(asdict(devices.catalogue.space)), "utf-8")
    return place


def mapped_devices(place: Path) -> HeldDevices:
    """The devices that lie in a folder's files, mapped into memory."""
    space = json.loads((place / SPACE).read_text("utf-8"))
    space["parameters"] = tuple((name, value) for name, value in space["parameters"])
    return HeldDevices(
        catalogue=DeviceCatalogue(space=FeatureSpace(**space), features=_mapped(place / FEATURES)),
        histories=Sequences(offsets=_mapped(place / OFFSETS), items=_mapped(place / EVENTS)),
    )


def _mapped(path: Path) -> NDArray[Any]:
    """Copied where it is written to, which nobody does: torch asks for memory that may be written."""
    return np.asarray(np.load(path, mmap_mode="c"))
