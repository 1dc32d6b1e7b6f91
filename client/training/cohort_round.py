"""The local round of many devices at once; a cohort of one is what a real device runs.

Each device takes a few steps of gradient descent from the encoder that all were sent, along its own loss. What differs
between devices is their changes alone: products with the encoder's own matrices are made for all of them together
(torch.func.vmap), and what the first matrices of the item tower make of the catalogue is made once a round.

K devices, T positions of a history, m negatives, n items, D input dim, d width, h hidden, r rank.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.func import functional_call, grad_and_value, vmap
from torch.nn import functional

from client.data.sequences import Sequences, last
from client.training.batches import Batch, Windows
from client.training.cohort_chunks import cohort_chunks
from shared.encoder.encoder import SEQUENCE, Encoder
from shared.encoder.shared_adapter import SharedAdapterSpec
from shared.errors import ConfigError
from shared.federation.config import LocalSettings
from shared.seeding import rng_for
from shared.system.device import CPU, Device

Float32 = NDArray[np.float32]
Numbers = Mapping[str, torch.Tensor]
"""Arrays of the sequence part by name, or what is trained in their places."""

ENTER, DIRECT, LEAVE = "item.enter", "item.direct", "item.leave"
WEIGHT, BIAS, HISTORY, NORM = ".weight", ".bias", "history.", "item_norm"


@dataclass(frozen=True, eq=False, kw_only=True)
class Changes:
    """What the round made of some devices."""

    rows: NDArray[np.int64]
    """[K] which devices of the cohort"""
    numbers: Float32
    """[K, C] what each would add to the encoder, in the order of the form's layout"""
    losses: Float32
    """[K] mean cross-entropy of the next items before the last step, in nats"""


@dataclass(frozen=True, eq=False, kw_only=True)
class CohortRound:
    """What all devices of a round have in common."""

    encoder: Encoder
    features: Float32
    """[n, D] vectors of the catalogue, of length 1"""
    settings: LocalSettings
    """``steps`` of rate ``encoder_rate``, ``negatives`` of each, the longest update, the pull to the encoder"""
    seed: int
    """of the round: draws the negatives of each step and the right factors of adapters, alike for all"""
    device: Device = CPU

    def __post_init__(self) -> None:
        if self.encoder.spec.architecture.members > 1:
            raise ConfigError(f"devices train an encoder of one member; got {self.encoder.spec.preset!r}")

    @cached_property
    def form(self) -> SharedAdapterSpec:
        """Which numbers are trained."""
        return SharedAdapterSpec(encoder=self.encoder.spec, rank=self.settings.shared_rank)

    @cached_property
    def factors(self) -> dict[str, Float32]:
        """A [r, i] of each product, by the matrix's name."""
        return self.form.right_factors(self.seed)

    def changes(self, histories: Sequences) -> Iterator[Changes]:
        """Train on each device's history.

        Args:
            histories: training events of K devices in the order of time, rows of the catalogue. Of long ones the last
                are taken; who has fewer than two events does not train.

        Yields:
            What the round made of a part of the devices, of such whose histories are about as long. Who does not train
            is in none.
        """
        preset = self.encoder.spec.architecture
        for rows in cohort_chunks(histories.lengths(), preset, self.settings.negatives, self.device):
            windows = Windows.of(last(histories, rows, preset.length + 1), preset.length)
            numbers, losses = self._step.trained(windows.batch(np.arange(len(rows))))
            yield Changes(rows=rows, numbers=numbers, losses=losses)

    @cached_property
    def _step(self) -> "_Step":
        return _Step(self)


class _Step:
    """The steps of devices whose histories lie in one batch."""

    def __init__(self, work: CohortRound) -> None:
        self._settings, self._form = work.settings, work.form
        self._history = work.encoder.sequence_module().history.to(work.device)
        self._device = work.device
        self._start = {
            array.name.removeprefix(SEQUENCE): self._there(work.encoder.arrays()[array.name].copy())
            for array in work.encoder.spec.sequence_arrays
        }
        self._right = {name.removeprefix(SEQUENCE): self._there(factor) for name, factor in work.factors.items()}
        self._scaled = self._there(work.features) * math.sqrt(work.features.shape[1])
        self._entered = {name: self._first(name) for name in (ENTER, DIRECT)}
        self._negatives = [
            self._there(drawn_negatives(work.seed, step, len(work.features), self._settings.negatives))
            for step in range(self._settings.steps)
        ]
        self._log_draws = math.log(max(len(work.features) - 1, 1) / self._settings.negatives)
        self._gradient = vmap(grad_and_value(self._loss), in_dims=(0, 0, 0, None))

    def trained(self, batch: Batch) -> tuple[Float32, Float32]:
        """[K, C] changes and [K] losses of the devices of a batch."""
        items, real = (self._there(array) for array in _padded(batch))
        numbers = {
            array.name.removeprefix(SEQUENCE): torch.zeros(len(items), *array.shape, device=items.device)
            for array in self._form.layout.arrays
        }
        losses = torch.zeros(len(items), device=items.device)
        rate, pull = self._settings.encoder_rate, self._settings.proximal
        for negatives in self._negatives:
            gradients, losses = self._gradient(numbers, items, real, negatives)
            numbers = {name: (1 - rate * pull) * value - rate * gradients[name] for name, value in numbers.items()}
        flat = torch.cat([value.flatten(1) for value in numbers.values()], 1)
        if self._settings.clip_norm:
            flat = flat * (self._settings.clip_norm / flat.norm(dim=1, keepdim=True)).clamp_max(1)
        return flat.cpu().numpy(), losses.cpu().numpy()

    def _there(self, array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(self._device)

    def _first(self, name: str) -> tuple[torch.Tensor, torch.Tensor]:
        """What a first matrix W makes of the catalogue, [n, o], and what A does: [n, r], or the catalogue itself."""
        weight = self._start[name + WEIGHT]
        right = self._right.get(name + WEIGHT)
        return self._scaled @ weight.T, self._scaled if right is None else self._scaled @ right.T

    def _loss(self, numbers: Numbers, items: torch.Tensor, real: torch.Tensor, negatives: torch.Tensor) -> torch.Tensor:
        """The mean over one device's positions of −log softmax at the next item, among it and the negatives.

        The mean of the others is estimated by uniform draws, so each stands for (n − 1) / m of them.

        Args:
            numbers: what is trained, by name.
            items: [T + 1] rows of the catalogue: a position's item, and behind it the one that is to follow.
            real: [T] 1 where a position is one, 0 where it is padding.
            negatives: [m] rows of the catalogue.
        """
        around = {name: self._around(name, value) for name, value in numbers.items() if _is_whole(name)}
        own, others = self._vectors(numbers, around, items), self._vectors(numbers, around, negatives)
        history = {name.removeprefix(HISTORY): value for name, value in around.items() if name.startswith(HISTORY)}
        states = functional_call(self._history, history, (own[None, :-1],))[0]
        target = (states * own[1:]).sum(-1)
        drawn = (states @ others.T + self._log_draws).masked_fill(negatives[None] == items[1:, None], -torch.inf)
        loss = torch.logaddexp(target, drawn.logsumexp(-1)) - target
        mean: torch.Tensor = (loss * real).sum() / real.sum()
        return mean

    def _around(self, name: str, value: torch.Tensor) -> torch.Tensor:
        """The device's own array in place of the encoder's."""
        return self._start[name] + (value @ self._right[name] if name in self._right else value)

    def _vectors(self, numbers: Numbers, around: Numbers, rows: torch.Tensor) -> torch.Tensor:
        """[rows, d] vectors e of items, from what the first matrices made of them."""
        (entered, into), (direct, beside) = self._entered[ENTER], self._entered[DIRECT]
        hidden = entered[rows] + into[rows] @ numbers[ENTER + WEIGHT].T + around[ENTER + BIAS]
        left = functional.linear(functional.gelu(hidden), around[LEAVE + WEIGHT], around[LEAVE + BIAS])
        vectors = left + direct[rows] + beside[rows] @ numbers[DIRECT + WEIGHT].T
        return functional.layer_norm(vectors, vectors.shape[-1:], around[NORM + WEIGHT], around[NORM + BIAS])


def drawn_negatives(seed: int, step: int, n_items: int, count: int) -> NDArray[np.int64]:
    """The items that stand for all that did not come next, alike for all devices of a round.

    Args:
        seed: of the round.
        step: its number, from 0.
        n_items: n.
        count: m.

    Returns:
        [m] rows of the catalogue, drawn evenly, some perhaps more than once.
    """
    return rng_for(seed, "negatives", step).integers(0, n_items, count)


def _is_whole(name: str) -> bool:
    """Whether an array is used as it is; the first matrices of the item tower are used as products with items alone."""
    return name not in (ENTER + WEIGHT, DIRECT + WEIGHT)


def _padded(batch: Batch) -> tuple[NDArray[np.int64], Float32]:
    """[K, T + 1] items, each position's and the one behind it, and [K, T] 1 where a position is real."""
    count, width = batch.items.shape
    items, real = np.zeros((count, width + 1), np.int64), np.zeros((count, width), np.float32)
    real.flat[batch.positions] = 1
    items[:, :-1] = batch.items
    owners, places = np.divmod(batch.positions, width)
    items[owners, places + 1] = batch.targets
    return items, real
