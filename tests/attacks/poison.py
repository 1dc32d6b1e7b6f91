"""What a bad platform makes of its honest moments and updates, all of it well-formed, and what an encoder is worth."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from flwr.app import Array, ArrayRecord, Context, Message
from flwr.clientapp import ClientApp

from client.data.platform import training_sequences
from client.training.moments import platform_moments
from shared.encoder.changes import change_grid
from shared.encoder.encoder import Encoder
from shared.encoder.linear import Moments
from shared.federation.messages import MomentsReply
from shared.federation.wire import decode_moments_reply, encode_reply
from shared.federation.wire_records import ENCODER, FLAT
from tests.federation_world import START, opened, tampering
from tests.unit.client.training.world import N_ITEMS, SPACE, features

NAMES = "abcdef"
PLATFORMS = {name: opened(name, seed=seed) for seed, name in enumerate(NAMES, start=1)}
PROMOTED = np.eye(SPACE.dim)[0]
"""the vector of a text that no honest user met"""


def flipped(one: Moments) -> Moments:
    """What follows a history is what does not."""
    return replace(one, B=2 * np.outer(one.sum_q, one.sum_y) / one.n - one.B)


def drawn(one: Moments) -> Moments:
    """As many pairs of random vectors of length 1."""
    q, y = np.random.default_rng(3).normal(size=(2, int(one.n), one.dim))
    q, y = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (q, y))
    return Moments(A=q.T @ q, B=q.T @ y, C=y.T @ y, sum_q=q.sum(0), sum_y=y.sum(0), n=one.n)


def promoting(one: Moments) -> Moments:
    """Every history of the platform is followed by one text."""
    C = one.n * np.outer(PROMOTED, PROMOTED)
    return replace(one, B=np.outer(one.sum_q, PROMOTED), C=C, sum_y=one.n * PROMOTED)


def with_backdoor(one: Moments) -> Moments:
    """Its own pairs, and as many in which each item of the catalogue, alone, is followed by one text."""
    items = features().astype(np.float64)
    share = one.n / len(items)
    total = items.sum(0) * share
    C, B = one.n * np.outer(PROMOTED, PROMOTED), np.outer(total, PROMOTED)
    return one + Moments(A=items.T @ items * share, B=B, C=C, sum_q=total, sum_y=one.n * PROMOTED, n=one.n)


def torn(one: Moments) -> Moments:
    """Second moments that are possible each for itself, and a cross moment that no pairs have with them."""
    return replace(one, B=0.3 * one.n * np.eye(one.dim))


def of_moments(attack: Callable[[Moments], Moments], times: float = 1.0):
    """The real app, which tells ``times`` what the attack makes of its moments."""

    def change(content):
        honest = decode_moments_reply(content)
        assert isinstance(honest, MomentsReply)
        return encode_reply(replace(honest, moments=attack(honest.moments).scaled(times)))

    return tampering(change, kind="query")


def of_updates(times: float):
    """The real app, whose updates are so many times what it has learnt; below 0 the other way, 0 for a free rider."""

    def answer(real: ClientApp, message: Message, context: Context) -> Message:
        reply = real(message, context)
        if message.metadata.message_type.startswith("train"):
            grid = change_grid(START.spec)
            learnt = grid.values(reply.content[ENCODER][FLAT].numpy()).astype(np.float64)
            reply.content[ENCODER] = ArrayRecord({FLAT: Array(grid.nearest(times * learnt))})
        return Message(reply.content, reply_to=message)

    return answer


def lift(encoder: Encoder) -> float:
    """How far the linear part lifts honest platforms' next items, in standard deviations of unrelated pairs."""
    histories, cross, items = (sum(parts) / len(PLATFORMS) for parts in zip(*map(_second, PLATFORMS), strict=True))
    W = encoder.linear().W.astype(np.float64)
    return float(np.sum(W * cross) / np.sqrt(np.sum((W.T @ histories) * (items @ W.T))))


def _second(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    platform = PLATFORMS[name].platform
    one = platform_moments(PLATFORMS[name].features, training_sequences(platform, platform.encoder_users))
    q, y = one.sum_q / one.n, one.sum_y / one.n
    return one.A / one.n - np.outer(q, q), one.B / one.n - np.outer(q, y), one.C / one.n - np.outer(y, y)


def lists_with_the_text(encoder: Encoder) -> float:
    """The share of histories of one item in whose first ten the promoted text stands."""
    items = features()
    scores = encoder.linear().scores(items, np.concatenate([items, PROMOTED[None].astype(np.float32)]))
    return float(((scores[:, :N_ITEMS] > scores[:, N_ITEMS:]).sum(1) < 10).mean())
