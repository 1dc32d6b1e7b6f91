"""What an encoder is worth on devices: by itself, and with each device's own head.

B devices, n items.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.held_out import Stage
from client.data.platform import examples
from client.data.sequences import Sequences, select
from client.device.head_training import HeadSettings
from client.evaluation.ranking import by_user, ndcg_of, ranks_by_column
from shared.encoder.encoder import Encoder
from shared.seeding import rng_for
from simulations.devices.device_heads import DeviceHeads, EncodedCatalogue
from simulations.devices.device_platform import DevicePlatform
from simulations.devices.device_stack import DeviceStack

ENCODER, HEADS, POPULARITY, LISTS = "encoder", "heads", "popularity", "lists"
WAYS = (ENCODER, HEADS, POPULARITY, LISTS)
"""the encoder's sequence part alone; with each device's own head and popularity; what devices rank by (DeviceStack)"""
SIMULATED = HeadSettings(negatives=256, steps=10)
"""a tenth of a device's own work, since a simulation holds many"""


@dataclass(frozen=True, eq=False, kw_only=True)
class DeviceFigures:
    """NDCG@10 by full ranking, by way and device."""

    users: NDArray[np.int64]
    """[V] rows of the platform's users, in their order"""
    ndcg: dict[str, NDArray[np.float64]]
    """[V] each"""

    def means(self) -> dict[str, float]:
        """By way."""
        return {way: float(values.mean()) for way, values in self.ndcg.items()}


def evaluated(platform: DevicePlatform, encoder: Encoder, *, seed: int, most: int) -> DeviceFigures:
    """Rank each device's test event after all events before it; what it has seen is left out.

    Args:
        platform: whose users the devices are.
        encoder: that all of them have.
        seed: draws the devices, and items that heads are told events from.
        most: devices at the most; 0: all.

    Returns:
        Their figures.
    """
    whole = platform.prepared.platform
    users = whole.training_users
    drawn = rng_for(seed, "devices-judged").permutation(len(users))[: most or len(users)]
    numbers = np.sort(drawn)
    sample = examples(whole, Stage.TEST, users[numbers])
    catalogue = EncodedCatalogue(encoder=encoder, features=platform.prepared.features, prior=platform.prior)
    heads = DeviceHeads(catalogue=catalogue, settings=SIMULATED, seed=seed)
    start, vectors = heads.start(platform.histories), catalogue.vectors.numpy()
    stack = DeviceStack.fitted(heads, start, platform.histories)
    place = {int(user): number for user, number in zip(users[numbers], numbers, strict=True)}
    owners = iter(np.array([place[int(user)] for user in sample.users]))

    def score(histories: Sequences) -> list[torch.Tensor]:
        devices = np.array([next(owners) for _ in range(len(histories))])
        states = catalogue.last_states(histories)
        own, _ = heads.learned(start, select(platform.histories, devices))
        moved = own.moved(states[:, None])[:, 0]
        with_heads = own.scale[:, None] * (moved @ vectors.T) + own.bias[:, None] * catalogue.prior
        popular = np.broadcast_to(catalogue.prior, with_heads.shape)
        ways = (states @ vectors.T, with_heads, popular, stack.scores(own, states, histories))
        return [torch.from_numpy(np.ascontiguousarray(scores)) for scores in ways]

    with torch.no_grad():
        ranks = ranks_by_column(score, sample, len(WAYS), n_items=whole.n_items, repeats=whole.repeats)
    values = by_user(ndcg_of(ranks, sample.sizes), sample.users)
    return DeviceFigures(users=users[numbers], ndcg=dict(zip(WAYS, values, strict=True)))
