"""Which trained parts each method's stack may hold, and how a part is made for a platform from a seed's encoders."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Platform
from client.recommender.cross_fitting import Trained
from client.training.pretraining import Pretrained
from shared.encoder.encoder import Encoder
from simulations.encoders import OpenPlatform, own_part, received_part, tuned_part

STACKS: dict[str, tuple[tuple[str, ...], ...]] = {
    "stack": ((),),
    "local": ((), ("own",)),
    "feature": (("received",), ("received", "own")),
    "model": (("tuned",), ("tuned", "own")),
    "federated": (("federated",), ("federated", "own")),
    "federated-model": (("federated-tuned",), ("federated-tuned", "own")),
    "pooled": (("pooled",), ("pooled", "own")),
}
"""Method to the sets of trained parts that may stand in its stack beside the computed scorers."""


@dataclass(frozen=True, kw_only=True)
class Encoders:
    """What has been trained for a seed; None where no method needs it."""

    source: Pretrained | None
    released: Mapping[str, object]
    federated: Encoder | None
    pooled: Encoder | None


def _unseen_when_contributing(platform: Platform) -> NDArray[np.int64]:
    return platform.weighting_users if platform.contributes else platform.training_users


def _own(one: OpenPlatform, _encoders: Encoders, preset: str, seed: int) -> Trained | None:
    return own_part(one, preset, seed)


def _received(one: OpenPlatform, encoders: Encoders, _preset: str, _seed: int) -> Trained | None:
    if encoders.source is None:
        return None
    return received_part("received", one, encoders.source.encoder, unseen=one.platform.training_users)


def _tuned(one: OpenPlatform, encoders: Encoders, _preset: str, seed: int) -> Trained | None:
    return None if encoders.source is None else tuned_part("tuned", one, encoders.source.encoder, seed=seed)


def _federated(one: OpenPlatform, encoders: Encoders, _preset: str, _seed: int) -> Trained | None:
    if encoders.federated is None:
        return None
    return received_part("federated", one, encoders.federated, unseen=_unseen_when_contributing(one.platform))


def _federated_tuned(one: OpenPlatform, encoders: Encoders, _preset: str, seed: int) -> Trained | None:
    return None if encoders.federated is None else tuned_part("federated-tuned", one, encoders.federated, seed=seed)


def _pooled(one: OpenPlatform, encoders: Encoders, _preset: str, _seed: int) -> Trained | None:
    if encoders.pooled is None:
        return None
    return received_part("pooled", one, encoders.pooled, unseen=_unseen_when_contributing(one.platform))


PARTS: dict[str, Callable[[OpenPlatform, Encoders, str, int], Trained | None]] = {
    "own": _own,
    "received": _received,
    "tuned": _tuned,
    "federated": _federated,
    "federated-tuned": _federated_tuned,
    "pooled": _pooled,
}
