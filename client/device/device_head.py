"""The head of a device: what it learns of its user beside an encoder that stays as it is, and never sends.

score_i = scale · <u + p + V U u, e_i> + bias · prior_i, and what the platform adds to an item anyway. Forward, backward
and steps of plain gradient descent are numpy; a leading axis holds a cohort of heads.

K heads, T events that are predicted, m drawn items that stand for the catalogue, d width, r rank.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.seeding import rng_for

Array = NDArray[np.floating]
Ints = NDArray[np.integer]


@dataclass(frozen=True, eq=False, kw_only=True)
class DeviceHead:
    """K of them."""

    p: Array
    """[K, d] added to the state"""
    scale: Array
    """[K]"""
    bias: Array
    """[K] weight of the pack's log-popularity"""
    down: Array
    """[K, r, d] U of the adapter"""
    up: Array
    """[K, d, r] V of the adapter"""

    @classmethod
    def initial(cls, width: int, rank: int, count: int = 1) -> "DeviceHead":
        """Heads that change nothing yet.

        Args:
            width: d.
            rank: r; 0 for no adapter.
            count: K.

        Returns:
            The heads, all alike.
        """
        down = rng_for(0, "device-head", width, rank).normal(0, width**-0.5, (rank, width)).astype(np.float32)
        return cls(
            p=np.zeros((count, width), np.float32),
            scale=np.ones(count, np.float32),
            bias=np.zeros(count, np.float32),
            down=np.tile(down, (count, 1, 1)),
            up=np.zeros((count, width, rank), np.float32),
        )

    def moved(self, states: Array) -> Array:
        """[K, T, d] u + p + V U u of states u [K, T, d]."""
        inner = states @ self.down.transpose(0, 2, 1)
        moved: Array = states + self.p[:, None] + inner @ self.up.transpose(0, 2, 1)
        return moved

    def to_arrays(self) -> dict[str, Array]:
        """By name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "DeviceHead":
        """The inverse of ``to_arrays``; raises KeyError where one is missing."""
        return cls(**{field.name: arrays[field.name] for field in fields(cls)})


@dataclass(frozen=True, eq=False, kw_only=True)
class HeadExamples:
    """What K heads learn from: T events each, told from m items that are the same for all events of a head."""

    states: Array
    """[K, T, d] before each event"""
    targets: Array
    """[K, T, d] vectors of the events' items"""
    target_priors: Array
    """[K, T] their log-popularity"""
    target_offsets: Array
    """[K, T] what is added to their scores: the items' own biases"""
    drawn: Array
    """[K, m, d] vectors of the drawn items"""
    drawn_priors: Array
    """[K, m]"""
    drawn_offsets: Array
    """[K, T, m] their biases, and the log of how many items each stands for; -inf where it is the event's own item"""
    weights: Array
    """[K, T] of the events; 0 for padding"""

    @classmethod
    def of_rows(
        cls, *, states: Array, targets: Ints, weights: Array, drawn: Ints, vectors: Array, priors: Array, biases: Array
    ) -> "HeadExamples":
        """Of items drawn evenly, alike for all heads, which stand for the catalogue.

        Args:
            states: [K, T, d] before each event.
            targets: [K, T] the events' items, rows of the catalogue.
            weights: [K, T] of the events; 0 for padding.
            drawn: [m] rows of the catalogue.
            vectors: [n, d] of its items.
            priors: [n] their log-popularity.
            biases: [n] what is added to their scores.

        Returns:
            The examples.
        """
        heads, stands_for = len(states), np.float32(np.log((len(biases) - 1) / len(drawn)))
        return cls(
            states=states,
            targets=vectors[targets],
            target_priors=priors[targets],
            target_offsets=biases[targets],
            drawn=np.broadcast_to(vectors[drawn], (heads, len(drawn), vectors.shape[1])),
            drawn_priors=np.broadcast_to(priors[drawn], (heads, len(drawn))),
            drawn_offsets=np.where(drawn == targets[..., None], np.float32(-np.inf), biases[drawn] + stands_for),
            weights=weights,
        )


def loss_and_gradient(head: DeviceHead, examples: HeadExamples) -> tuple[Array, DeviceHead]:
    """The mean cross-entropy of each head's events, and its gradient.

    Args:
        head: K of them.
        examples: of the same K.

    Returns:
        [K] losses in nats, and the gradient in the form of heads.
    """
    moved = head.moved(examples.states)
    products = np.concatenate(
        [(moved * examples.targets).sum(2, keepdims=True), moved @ examples.drawn.transpose(0, 2, 1)], axis=2
    )
    drawn_priors = np.broadcast_to(examples.drawn_priors[:, None], examples.drawn_offsets.shape)
    priors = np.concatenate([examples.target_priors[..., None], drawn_priors], axis=2)
    offsets = np.concatenate([examples.target_offsets[..., None], examples.drawn_offsets], axis=2)
    scores = head.scale[:, None, None] * products + head.bias[:, None, None] * priors + offsets
    scores -= scores.max(2, keepdims=True)
    shares = np.exp(scores)
    sums = shares.sum(2, keepdims=True)
    counts = np.maximum(examples.weights.sum(1), 1)
    losses = ((np.log(sums[..., 0]) - scores[..., 0]) * examples.weights).sum(1) / counts
    pull = shares / sums
    pull[..., 0] -= 1
    pull *= (examples.weights / counts[:, None])[..., None]
    of_moved = head.scale[:, None, None] * (pull[..., :1] * examples.targets + pull[..., 1:] @ examples.drawn)
    inner = examples.states @ head.down.transpose(0, 2, 1)
    return losses, DeviceHead(
        p=of_moved.sum(1),
        scale=(pull * products).sum((1, 2)),
        bias=(pull * priors).sum((1, 2)),
        down=(of_moved @ head.up).transpose(0, 2, 1) @ examples.states,
        up=of_moved.transpose(0, 2, 1) @ inner,
    )


def trained(head: DeviceHead, examples: HeadExamples, *, steps: int, rate: float, shrink: float = 0.0) -> DeviceHead:
    """The heads after some steps of plain gradient descent over all of their examples.

    Args:
        head: K of them.
        examples: of the same K.
        steps: how many.
        rate: of a step.
        shrink: λ of λ/2 times the squared distance from the heads that are given.

    Returns:
        K heads.
    """
    start = head.to_arrays()
    for _ in range(steps):
        _, gradient = loss_and_gradient(head, examples)
        moves = gradient.to_arrays()
        head = DeviceHead(
            **{
                name: numbers - rate * (moves[name] + shrink * (numbers - start[name]))
                for name, numbers in head.to_arrays().items()
            }
        )
    return head
