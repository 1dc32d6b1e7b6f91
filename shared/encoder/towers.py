"""The sequence part as torch modules: item tower φ and causal history tower ψ.

B histories, L positions, D input dim, d width, m items.
"""

import math

import torch
from torch import nn
from torch.nn import functional

from shared.encoder.dropout import Dropout
from shared.encoder.presets import Preset

DISTANCE_BUCKETS = 16


class ItemTower(nn.Module):
    """φ: a multi-layer perceptron with a linear path beside it, [m, D] -> [m, d]."""

    def __init__(self, preset: Preset, input_dim: int) -> None:
        super().__init__()
        self.enter = nn.Linear(input_dim, preset.hidden)
        self.leave = nn.Linear(preset.hidden, preset.width)
        self.direct = nn.Linear(input_dim, preset.width, bias=False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """[m, D] vectors of length 1 -> [m, d]."""
        scaled = features * math.sqrt(features.shape[1])
        hidden = self.leave(functional.gelu(self.enter(scaled)))
        return torch.add(hidden, self.direct(scaled))


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
        """[B, L, d] -> [B, L, d]; ``buckets`` [L, L] are the distance buckets, -1 where the key is later."""
        attended = self.attention_out(self._attend(self.attention_norm(states), buckets))
        states = states + (dropout(attended) if dropout else attended)
        moved = self.forward_out(functional.gelu(self.forward_in(self.forward_norm(states))))
        return states + (dropout(moved) if dropout else moved)

    def _attend(self, states: torch.Tensor, buckets: torch.Tensor) -> torch.Tensor:
        batch, length, width = states.shape
        parts = self.query_key_value(states).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        bias = functional.embedding(buckets.clamp_min(0), self.distance_bias.T).permute(2, 0, 1)
        bias = bias.masked_fill(buckets < 0, -torch.inf)
        attention = torch.matmul(query, key.transpose(-1, -2)) / math.sqrt(width // self.heads) + bias
        mixed = torch.matmul(attention.softmax(-1), value)
        return mixed.transpose(1, 2).reshape(batch, length, width)


class HistoryTower(nn.Module):
    """ψ: a causal transformer, [B, L, d] -> [B, L, d]."""

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block(preset) for _ in range(preset.layers)])
        self.norm = nn.LayerNorm(preset.width)
        self.log_scale = nn.Parameter(torch.empty(1))

    def forward(self, vectors: torch.Tensor, dropout: Dropout | None = None) -> torch.Tensor:
        """Item vectors in time order, padding last, to one vector per position that has seen no later one.

        Scaled, so that a score is its inner product with an item's vector.
        """
        states = dropout(vectors) if dropout else vectors
        buckets = distance_buckets(vectors.shape[1])
        for block in self.blocks:
            states = block(states, buckets, dropout)
        scale = self.log_scale.exp() / math.sqrt(vectors.shape[2])
        normed: torch.Tensor = self.norm(states)
        return normed * scale


def distance_buckets(length: int) -> torch.Tensor:
    """[L, L] int64: 0..7 for that distance, then 8..15 on a log scale up to 64; -1 where the key is later."""
    positions = torch.arange(length)
    distance = positions[:, None] - positions[None, :]
    far = 8 + (torch.log2(distance.clamp_min(8) / 8) * 8 / 3).to(torch.int64)
    bucket = torch.where(distance < 8, distance, far.clamp_max(DISTANCE_BUCKETS - 1))
    return torch.where(distance < 0, -1, bucket)


class SequenceModule(nn.Module):
    """The sequence part: φ, the norm of every item vector, ψ."""

    def __init__(self, preset: Preset, input_dim: int) -> None:
        super().__init__()
        self.item = ItemTower(preset, input_dim)
        self.item_norm = nn.LayerNorm(preset.width)
        self.history = HistoryTower(preset)


@torch.no_grad()
def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw every parameter: matrices from N(0, 1/fan-in), norms 1, biases and scale 0, distances a decay."""
    for name, parameter in module.named_parameters():
        if name.endswith("distance_bias"):
            slopes = 2.0 ** -torch.arange(1, parameter.shape[0] + 1)
            parameter.copy_(-slopes[:, None] * torch.arange(parameter.shape[1]))
        elif parameter.ndim == 2:
            parameter.normal_(0, parameter.shape[1] ** -0.5, generator=generator)
        else:
            parameter.fill_(1.0 if name.endswith("norm.weight") else 0.0)
