"""The local round of many devices at once; a cohort of one is what a real device runs.

Each device takes a few steps of gradient descent from the encoder that all were sent, along its own loss. What differs
between devices is their changes alone (torch.func.vmap). The item tower's first matrices, which have most numbers, are
held by what changed them (first_matrices.py); a device's own, or the sum of all devices', is put together at the end.

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
from client.training.first_matrices import ChangedMatrices, FirstMatrices, FirstMatrix, stepped
from shared.encoder.encoder import SEQUENCE, ArraySpec, Encoder
from shared.encoder.shared_adapter import SharedAdapterSpec
from shared.errors import ConfigError
from shared.federation.config import LocalSettings
from shared.seeding import rng_for
from shared.system.device import CPU, Device

Float32 = NDArray[np.float32]
Numbers = Mapping[str, torch.Tensor]
"""Arrays of the sequence part by name, or what is trained in their places."""

LEAVE, NORM, WEIGHT, BIAS, HISTORY = "item.leave", "item_norm", ".weight", ".bias", "history."
FIRST = (("item.enter.weight", "item.enter.bias"), ("item.direct.weight", "item.leave.bias"))
"""the matrices that take item vectors, and the biases of what they are added to"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Changes:
    """What the round made of some devices, none longer than the settings' limit."""

    rows: NDArray[np.int64]
    """[K] which devices of the cohort"""
    losses: Float32
    """[K] mean cross-entropy of the next items before the last step, in nats"""
    arrays: tuple[str, ...]
    """in the order of the form's layout"""
    first: ChangedMatrices
    others: Numbers
    """[K, ...] of all other arrays"""
    shares: torch.Tensor
    """[K] what the limit leaves of each"""

    @property
    def numbers(self) -> Float32:
        """[K, C] what each would add to the encoder, in the order of the form's layout."""
        named = {**self.first.each(), **self.others}
        flat = torch.cat([named[name].flatten(1) for name in self.arrays], 1)
        return (flat * self.shares[:, None]).cpu().numpy()

    @property
    def total(self) -> Float32:
        """[C] the sum of ``numbers`` over the devices."""
        others = {name: torch.tensordot(self.shares, value, 1) for name, value in self.others.items()}
        named = {**self.first.total(self.shares), **others}
        return torch.cat([named[name].flatten() for name in self.arrays]).cpu().numpy()


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
            yield self._steps.changes(rows, windows.batch(np.arange(len(rows))))

    @cached_property
    def _steps(self) -> "_Steps":
        return _Steps(self)


class _Steps:
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
        self._negatives = self._there(
            np.stack(
                [
                    drawn_negatives(work.seed, step, len(work.features), self._settings.negatives)
                    for step in range(self._settings.steps)
                ]
            )
        )
        scaled = self._there(work.features) * math.sqrt(work.features.shape[1])
        self._first = FirstMatrices([self._matrix(*names) for names in FIRST], scaled, self._negatives)
        self._others = [array for array in self._form.layout.arrays if _short(array) not in self._first.names]
        self._log_draws = math.log(max(len(work.features) - 1, 1) / self._settings.negatives)
        self._gradient = vmap(grad_and_value(self._loss, argnums=(0, 1, 2)), in_dims=(0, 0, 1, 0, 0, None))

    def changes(self, rows: NDArray[np.int64], batch: Batch) -> Changes:
        """What becomes of the devices of a batch.

        Args:
            rows: [K] which devices of the cohort.
            batch: their histories, each in one row.

        Returns:
            Their changes.
        """
        items, real = (self._there(array) for array in _padded(batch))
        first = self._first.begun(items)
        numbers = {_short(array): items.new_zeros(len(items), *array.shape, dtype=real.dtype) for array in self._others}
        losses = real.new_zeros(len(items))
        rate, proximal = self._settings.encoder_rate, self._settings.proximal
        for step, negatives in enumerate(self._negatives):
            own, others = first.outputs(step)
            (gradients, of_own, of_others), losses = self._gradient(numbers, own, others, items, real, negatives)
            first.take(step, rate, proximal, of_own, of_others.transpose(0, 1))
            for name, value in numbers.items():
                stepped(value, gradients[name], rate, proximal)
        return Changes(
            rows=rows,
            losses=losses.cpu().numpy(),
            arrays=tuple(map(_short, self._form.layout.arrays)),
            first=first,
            others=numbers,
            shares=self._shares(first, numbers),
        )

    def _shares(self, first: ChangedMatrices, numbers: Numbers) -> torch.Tensor:
        """[K] by what each change is multiplied so that none is longer than the limit."""
        limit = self._settings.clip_norm
        others = torch.stack([value.flatten(1).square().sum(1) for value in numbers.values()]).sum(0)
        if not limit or (others + first.squares_at_most() <= limit**2).all():
            return torch.ones_like(others)
        return (limit / (others + first.squares()).clamp_min(0).sqrt()).clamp_max(1)

    def _matrix(self, name: str, bias: str) -> FirstMatrix:
        return FirstMatrix(
            name=name,
            bias=bias,
            weight=self._start[name],
            bias_values=self._start[bias],
            right=self._right.get(name),
        )

    def _there(self, array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(self._device)

    def _loss(
        self,
        numbers: Numbers,
        own: torch.Tensor,
        others: torch.Tensor,
        items: torch.Tensor,
        real: torch.Tensor,
        negatives: torch.Tensor,
    ) -> torch.Tensor:
        """The mean over one device's positions of −log softmax at the next item, among it and the negatives.

        The mean of the others is estimated by uniform draws, so each stands for (n − 1) / m of them.

        Args:
            numbers: what is trained, by name, but for the first matrices.
            own: [T + 1, h + d] what the first matrices make of the device's events.
            others: [m, h + d] what they make of negatives.
            items: [T + 1] rows of the catalogue: a position's item, and behind it the one that is to follow.
            real: [T] 1 where a position is one, 0 where it is padding.
            negatives: [m] rows of the catalogue.
        """
        around = {name: self._around(name, value) for name, value in numbers.items()}
        own, others = self._vectors(around, own), self._vectors(around, others)
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

    def _vectors(self, around: Numbers, outputs: torch.Tensor) -> torch.Tensor:
        """[rows, d] vectors of items, of what the first matrices make of them [rows, h + d]."""
        weight = around[LEAVE + WEIGHT]
        hidden, beside = torch.split(outputs, list(weight.shape[::-1]), -1)
        vectors = functional.linear(functional.gelu(hidden), weight) + beside
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


def _short(array: ArraySpec) -> str:
    return array.name.removeprefix(SEQUENCE)


def _padded(batch: Batch) -> tuple[NDArray[np.int64], Float32]:
    """[K, T + 1] items, each position's and the one behind it, and [K, T] 1 where a position is real."""
    count, width = batch.items.shape
    items, real = np.zeros((count, width + 1), np.int64), np.zeros((count, width), np.float32)
    real.flat[batch.positions] = 1
    items[:, :-1] = batch.items
    owners, places = np.divmod(batch.positions, width)
    items[owners, places + 1] = batch.targets
    return items, real
