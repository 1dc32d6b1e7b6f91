"""Devices that nobody has: as many as are wanted, whose events are drawn, for what a run costs and not what it learns.

Numbers of events are geometric from 2 on, items uniform, vectors of items normal and of length 1.
"""

import numpy as np
from numpy.typing import NDArray

from client.data.ragged import offsets_of
from client.data.sequences import Sequences
from client.rounds.device_workspace import DeviceCatalogue
from shared.feature_space import FeatureSpace
from shared.seeding import rng_for
from simulations.config.drawn_size import DrawnSize
from simulations.devices.held_devices import HeldDevices

LEAST_EVENTS = 2


def drawn_devices(size: DrawnSize, seed: int) -> HeldDevices:
    """Draw devices.

    Args:
        size: how many devices, events and items.
        seed: of the draws.

    Returns:
        The devices.
    """
    rng = rng_for(seed, "drawn devices")
    lengths = drawn_lengths(size.events, size.devices, rng)
    items = rng.integers(0, size.items, int(lengths.sum()), dtype=np.int32)
    features = rng.standard_normal((size.items, size.dim), dtype=np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return HeldDevices(
        catalogue=DeviceCatalogue(space=drawn_space(size.dim), features=features),
        histories=Sequences(offsets=offsets_of(lengths), items=items),
    )


def drawn_lengths(mean: float, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw numbers of events.

    Args:
        mean: of them, at least 2.
        count: of devices.
        rng: of the draw.

    Returns:
        [count] numbers from 2 on.
    """
    return LEAST_EVENTS - 1 + rng.geometric(1 / (1 + mean - LEAST_EVENTS), count)


def drawn_space(dim: int) -> FeatureSpace:
    """What the vectors are of: nothing that another platform has."""
    return FeatureSpace(name="drawn", parameters=(), dim=dim, fingerprint=f"drawn-{dim}")
