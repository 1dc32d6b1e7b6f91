"""The sequence part as torch modules: item tower φ and causal history tower ψ, and their dropout.

Several of both may stand side by side, as members: each has its own part of every vector, and a score is the mean of
theirs (a deep ensemble; Lakshminarayanan et al. 2017).

B histories, L positions, D input dim, d width, m items.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import cast

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from shared.encoder.array_towers import DISTANCE_BUCKETS, bucket_rows
from shared.encoder.presets import Preset


@dataclass(frozen=True)
class Dropout:
    """Zeroes elements at the given rate (in steps of 1/256) and scales the others up."""

    rng: np.random.Generator
    rate: float
    """share of elements zeroed, in [0, 1)"""

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise ValueError(f"a dropout rate must be in [0, 1); got {self.rate}")

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """Elementwise, the same shape."""
        return values if self._threshold == 0 else values * self._mask(values.shape, values.device)

    def rows(self, values: torch.Tensor) -> torch.Tensor:
        """[m, d] with whole rows zeroed, the others not scaled: an id that is missing, not a noisy one."""
        if self._threshold == 0:
            return values
        return values * (self._mask(torch.Size([len(values), 1]), values.device) > 0)

    @property
    def _threshold(self) -> int:
        return round(256 * self.rate)

    def _mask(self, shape: torch.Size, device: torch.device) -> torch.Tensor:
        """Drawn on the CPU, whatever the device."""
        drawn = torch.from_numpy(self.rng.integers(0, 256, size=tuple(shape), dtype=np.uint8)).to(device)
        return (drawn >= self._threshold).to(torch.float32).mul_(256 / (256 - self._threshold))


CPU = torch.device("cpu")


class ItemTower(nn.Module):
    """φ: a multi-layer perceptron with a linear path beside it, [m, D] -> [m, d]."""

    def __init__(self, preset: Preset, input_dim: int) -> None:
        super().__init__()
        self.enter = nn.Linear(input_dim, preset.hidden)
        self.leave = nn.Linear(preset.hidden, preset.width)
        self.direct = nn.Linear(input_dim, preset.width, bias=False)

    @property
    def towers(self) -> "list[ItemTower]":
        """Itself, its only member."""
        return [self]

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """[m, D] vectors of length 1 -> [m, d]."""
        scaled = features * math.sqrt(features.shape[1])
        return torch.add(self.leave(functional.gelu(self.enter(scaled))), self.direct(scaled))


class ItemTowers(nn.Module):
    """The members' item towers, [m, D] -> [m, d]."""

    def __init__(self, preset: Preset, input_dim: int) -> None:
        super().__init__()
        self.members = nn.ModuleList([ItemTower(preset.member, input_dim) for _ in range(preset.members)])

    @property
    def towers(self) -> "list[ItemTower]":
        """The members themselves."""
        return [cast("ItemTower", member) for member in self.members]

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Each member's vectors, one part after the other.

        Args:
            features: [m, D] vectors of length 1.

        Returns:
            [m, d].
        """
        return torch.cat([tower(features) for tower in self.towers], -1)


class Block(nn.Module):
    """One pre-norm transformer block; attention sees how far back an item is, not where it stands."""

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        self.heads = preset.heads
        self.attention_norm = nn.LayerNorm(preset.width)
        self.query_key_value = nn.Linear(preset.width, 3 * preset.width)
        self.attention_out = nn.Linear(preset.width, preset.width)
        self.distance_bias = nn.Parameter(torch.empty(preset.heads, DISTANCE_BUCKETS))
        self.forward_norm = nn.LayerNorm(preset.width)
        self.forward_in = nn.Linear(preset.width, 4 * preset.width)
        self.forward_out = nn.Linear(4 * preset.width, preset.width)

    def forward(self, states: torch.Tensor, buckets: torch.Tensor, dropout: Dropout | None) -> torch.Tensor:
        """The states after the block, at every position.

        Args:
            states: [B, L, d].
            buckets: [L, L] the distance buckets, -1 where the key is later (``distance_buckets``).
            dropout: of what attention and the layers behind it add; None zeroes nothing.

        Returns:
            [B, L, d].
        """
        weight, bias = self.query_key_value.weight, self._trained_bias()
        query, key, value = self._split(functional.linear(self.attention_norm(states), weight, bias), 3)
        return self._after(states, self._attend(query, key, value, self._bias(buckets)), dropout)

    def last(self, states: torch.Tensor, ends: torch.Tensor, buckets: torch.Tensor) -> torch.Tensor:
        """What ``forward`` gives, without dropout, at one position of each history, and no other.

        Args:
            states: [B, L, d].
            ends: [B] int64, the position of each history.
            buckets: [L, L] the distance buckets, -1 where the key is later (``distance_buckets``).

        Returns:
            [B, 1, d].
        """
        rows, width = torch.arange(len(ends), device=ends.device), states.shape[2]
        normed = self.attention_norm(states)
        weight, bias = self.query_key_value.weight, self.query_key_value.bias
        (query,) = self._split(functional.linear(normed[rows, ends][:, None], weight[:width], bias[:width]), 1)
        key, value = self._split(functional.linear(normed, weight[width:], bias[width:]), 2)
        attended = self._attend(query, key, value, self._bias(buckets[ends]).transpose(0, 1)[:, :, None])
        return self._after(states[rows, ends][:, None], attended, None)

    def _trained_bias(self) -> torch.Tensor:
        """[3 d] of queries, keys and values; that of keys gets no gradient.

        It adds the same to all scores of a query, which softmax takes off again. What rounding leaves of its gradient
        is nothing but noise, of which Adam would make steps as long as any.
        """
        query, key, value = self.query_key_value.bias.chunk(3)
        return torch.cat([query, key.detach(), value])

    def _after(self, states: torch.Tensor, attended: torch.Tensor, dropout: Dropout | None) -> torch.Tensor:
        attended = self.attention_out(attended)
        states = states + (dropout(attended) if dropout else attended)
        moved = self.forward_out(functional.gelu(self.forward_in(self.forward_norm(states))))
        return states + (dropout(moved) if dropout else moved)

    def _split(self, states: torch.Tensor, count: int) -> torch.Tensor:
        """[B, L, count · d] -> [count, B, heads, L, d / heads]."""
        batch, length, width = states.shape
        return states.view(batch, length, count, self.heads, width // count // self.heads).permute(2, 0, 3, 1, 4)

    def _bias(self, buckets: torch.Tensor) -> torch.Tensor:
        """[heads, Q, L] what is added for the distance; -inf where the key is later."""
        bias = functional.embedding(buckets.clamp_min(0), self.distance_bias.T).permute(2, 0, 1)
        return bias.masked_fill(buckets < 0, -torch.inf)

    def _attend(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """[B, heads, Q, d / heads] on [B, heads, L, d / heads] -> [B, Q, d]."""
        attention = torch.matmul(query, key.transpose(-1, -2)) / math.sqrt(query.shape[-1]) + bias
        return torch.matmul(attention.softmax(-1), value).transpose(1, 2).flatten(2)


class HistoryTower(nn.Module):
    """ψ: a causal transformer, [B, L, d] -> [B, L, d]."""

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block(preset) for _ in range(preset.layers)])
        self.norm = nn.LayerNorm(preset.width)
        self.log_scale = nn.Parameter(torch.empty(1))

    def forward(self, vectors: torch.Tensor, dropout: Dropout | None = None) -> torch.Tensor:
        """One vector per position of a history, which has seen no later position.

        Scaled, so that a score is its inner product with an item's vector.

        Args:
            vectors: [B, L, d] of items in time order, padding last.
            dropout: of item vectors and within the blocks; None zeroes nothing.

        Returns:
            [B, L, d].
        """
        states = dropout(vectors) if dropout else vectors
        buckets = distance_buckets(vectors.shape[1], vectors.device)
        for block in self.blocks:
            states = block(states, buckets, dropout)
        return self._scaled(states)

    def last(self, vectors: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
        """What ``forward`` gives, without dropout, at the last item of each history, in half of its time.

        Args:
            vectors: [B, L, d] of items in time order, padding last.
            counts: [B] int64, items of each history, at least 1.

        Returns:
            [B, d].
        """
        states, buckets = vectors, distance_buckets(vectors.shape[1], vectors.device)
        for block in self.blocks[:-1]:
            states = block(states, buckets, None)
        return self._scaled(cast("Block", self.blocks[-1]).last(states, counts - 1, buckets)[:, 0])

    def _scaled(self, states: torch.Tensor) -> torch.Tensor:
        scale = self.log_scale.exp() / math.sqrt(states.shape[-1])
        normed: torch.Tensor = self.norm(states)
        return normed * scale


class HistoryTowers(nn.Module):
    """The members' history towers, [B, L, d] -> [B, L, d]."""

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        self.members = nn.ModuleList([HistoryTower(preset.member) for _ in range(preset.members)])

    def forward(self, vectors: torch.Tensor, dropout: Dropout | None = None) -> torch.Tensor:
        """As of one tower; the inner product with an item's vector is the mean of the members' scores.

        Args:
            vectors: [B, L, d] of items in time order, padding last; each member has its own part of d.
            dropout: of item vectors and within the blocks; None zeroes nothing.

        Returns:
            [B, L, d].
        """
        return self._joined([tower(part, dropout) for tower, part in self._parts(vectors)])

    def last(self, vectors: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
        """What ``forward`` gives, without dropout, at the last item of each history.

        Args:
            vectors: [B, L, d] of items in time order, padding last; each member has its own part of d.
            counts: [B] int64, items of each history, at least 1.

        Returns:
            [B, d].
        """
        return self._joined([tower.last(part, counts) for tower, part in self._parts(vectors)])

    def _parts(self, vectors: torch.Tensor) -> "list[tuple[HistoryTower, torch.Tensor]]":
        towers = [cast("HistoryTower", member) for member in self.members]
        return list(zip(towers, vectors.chunk(len(towers), -1), strict=True))

    def _joined(self, states: list[torch.Tensor]) -> torch.Tensor:
        return torch.cat(states, -1) / len(states)


def item_tower(preset: Preset, input_dim: int) -> ItemTower | ItemTowers:
    """φ of a preset.

    Args:
        preset: its sizes, and how many members it has.
        input_dim: D, the length of an item's vector in the feature space.

    Returns:
        One tower, or one for each member where there are several.
    """
    return ItemTower(preset, input_dim) if preset.members == 1 else ItemTowers(preset, input_dim)


def item_norm(preset: Preset) -> nn.LayerNorm | nn.GroupNorm:
    """The norm of item vectors [m, d]: over all of a vector, or over each member's part."""
    return nn.LayerNorm(preset.width) if preset.members == 1 else nn.GroupNorm(preset.members, preset.width)


def history_tower(preset: Preset) -> HistoryTower | HistoryTowers:
    """ψ of a preset."""
    return HistoryTower(preset) if preset.members == 1 else HistoryTowers(preset)


@cache
def distance_buckets(length: int, device: torch.device = CPU) -> torch.Tensor:
    """``bucket_rows``, made once for each length and device, so not to be changed.

    Args:
        length: L.
        device: where they lie.

    Returns:
        [L, L] int64.
    """
    return torch.from_numpy(bucket_rows(length)).to(device)


class SequenceModule(nn.Module):
    """The sequence part: φ, the norm of every item vector, ψ."""

    def __init__(self, preset: Preset, input_dim: int) -> None:
        super().__init__()
        self.length = preset.length
        """most items of a history"""
        self.item = item_tower(preset, input_dim)
        self.item_norm = item_norm(preset)
        self.history = history_tower(preset)


@torch.no_grad()
def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw every parameter: matrices from N(0, 1/fan-in), norms 1, biases and scale 0, distances a decay.

    Args:
        module: a sequence part, or a module of one; changed in place.
        generator: of the draws.
    """
    for name, parameter in module.named_parameters():
        if name.endswith("distance_bias"):
            slopes = 2.0 ** -torch.arange(1, parameter.shape[0] + 1)
            parameter.copy_(-slopes[:, None] * torch.arange(parameter.shape[1]))
        elif parameter.ndim == 2:
            parameter.normal_(0, parameter.shape[1] ** -0.5, generator=generator)
        else:
            parameter.fill_(1.0 if name.endswith("norm.weight") else 0.0)
