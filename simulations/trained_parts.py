"""Which trained parts each method's stack may hold, and how a part is made for a platform from a seed's encoders."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from client.recommender.cross_fitting import Trained
from client.recommender.own import own_part
from client.transfer.feature import feature_part, unseen_by_rounds
from client.transfer.model import model_part
from shared.encoder.encoder import Encoder
from simulations.encoders import OpenPlatform

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

FROM_ROUNDS = ("federated", "federated-model")
"""Methods that use the encoder after the rounds, not the one that the source pretrained."""


@dataclass(frozen=True, kw_only=True)
class Encoders:
    """What has been trained for a seed; None where no method needs it."""

    source: Encoder | None
    released: Mapping[str, object]
    federated: Encoder | None
    pooled: Encoder | None
    rank: int = 0
    """of the adapters with which platforms tune; 0: none"""


def _own(one: OpenPlatform, _encoders: Encoders, preset: str, seed: int) -> Trained | None:
    return own_part(one.platform, one.catalogue, one.space, preset, seed)


def _received(one: OpenPlatform, encoders: Encoders, _preset: str, _seed: int) -> Trained | None:
    if encoders.source is None:
        return None
    return feature_part("received", encoders.source, one.catalogue, unseen=one.platform.training_users)


def _tuned(one: OpenPlatform, encoders: Encoders, _preset: str, seed: int) -> Trained | None:
    if encoders.source is None:
        return None
    return model_part("tuned", encoders.source, one.platform, one.catalogue, seed=seed, rank=encoders.rank)


def _federated(one: OpenPlatform, encoders: Encoders, _preset: str, _seed: int) -> Trained | None:
    return _shared("federated", encoders.federated, one)


def _federated_tuned(one: OpenPlatform, encoders: Encoders, _preset: str, seed: int) -> Trained | None:
    if encoders.federated is None:
        return None
    return model_part("federated-tuned", encoders.federated, one.platform, one.catalogue, seed=seed, rank=encoders.rank)


def _pooled(one: OpenPlatform, encoders: Encoders, _preset: str, _seed: int) -> Trained | None:
    return _shared("pooled", encoders.pooled, one)


def _shared(name: str, encoder: Encoder | None, one: OpenPlatform) -> Trained | None:
    """An encoder that the platform's contributing users helped to make."""
    if encoder is None:
        return None
    return feature_part(name, encoder, one.catalogue, unseen=unseen_by_rounds(one.platform))


PARTS: dict[str, Callable[[OpenPlatform, Encoders, str, int], Trained | None]] = {
    "own": _own,
    "received": _received,
    "tuned": _tuned,
    "federated": _federated,
    "federated-tuned": _federated_tuned,
    "pooled": _pooled,
}
