"""The state of one history by a trained history tower, in numpy: what a request costs is calls, not numbers.

``HistoryTower.last`` of one history, without padding. L items, d width, h heads.
"""

import math
from functools import lru_cache
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import erf
from torch import nn

from shared.encoder.towers import Block, HistoryTower, HistoryTowers, distance_buckets

Float32 = NDArray[np.float32]
_HALF_ROOT = np.float32(1 / math.sqrt(2))


class OneState:
    """Shares the tower's numbers; it must not be trained meanwhile."""

    def __init__(self, tower: HistoryTower | HistoryTowers) -> None:
        members = list(tower.members) if isinstance(tower, HistoryTowers) else [tower]
        self._members = [_Tower(cast("HistoryTower", member)) for member in members]

    def of(self, vectors: Float32) -> Float32:
        """[d] at the last of L items' vectors [L, d], oldest first; L is at least 1."""
        parts = np.split(vectors, len(self._members), axis=1)
        states = [tower.last(part) for tower, part in zip(self._members, parts, strict=True)]
        return np.concatenate(states) / np.float32(len(states))


class _Tower:
    def __init__(self, tower: HistoryTower) -> None:
        self._blocks = [_Block(cast("Block", block)) for block in tower.blocks]
        self._norm, width = _Norm(tower.norm), tower.norm.normalized_shape[0]
        self._scale = np.float32(math.exp(tower.log_scale.item()) / math.sqrt(width))

    def last(self, vectors: Float32) -> Float32:
        """[d]."""
        for block in self._blocks[:-1]:
            vectors = block.states(vectors, len(vectors))
        return np.asarray(self._norm(self._blocks[-1].states(vectors, 1)[0]) * self._scale, np.float32)


class _Block:
    def __init__(self, block: Block) -> None:
        self._heads, self._bias_of = block.heads, _numbers(block.distance_bias)
        self._attention_norm, self._forward_norm = _Norm(block.attention_norm), _Norm(block.forward_norm)
        self._ask, self._out = _Linear(block.query_key_value), _Linear(block.attention_out)
        self._into, self._from = _Linear(block.forward_in), _Linear(block.forward_out)

    def states(self, states: Float32, count: int) -> Float32:
        """[count, d] the last states after the block, from those before it [L, d]."""
        length, width = states.shape
        asked = self._ask(self._attention_norm(states)).reshape(length, 3, self._heads, -1).transpose(1, 2, 0, 3)
        query, key, value = asked[0, :, length - count :], asked[1], asked[2]
        buckets = _buckets(length)[length - count :]
        scores = query @ key.transpose(0, 2, 1) / np.float32(math.sqrt(query.shape[2])) + self._bias_of[:, buckets]
        scores[:, buckets < 0] = -np.inf
        shares = np.exp(scores - scores.max(2, keepdims=True))
        shares /= shares.sum(2, keepdims=True)
        attended = (shares @ value).transpose(1, 0, 2).reshape(count, width)
        states = states[length - count :] + self._out(attended)
        inner = self._into(self._forward_norm(states))
        return states + self._from(inner * (erf(inner * _HALF_ROOT) + 1) * np.float32(0.5))


class _Linear:
    def __init__(self, layer: nn.Linear) -> None:
        self._weight, self._bias = _numbers(layer.weight).T, _numbers(layer.bias)

    def __call__(self, states: Float32) -> Float32:
        """[.., d] -> [.., e]."""
        return np.asarray(states @ self._weight + self._bias, np.float32)


class _Norm:
    def __init__(self, layer: nn.LayerNorm) -> None:
        self._weight, self._bias, self._least = _numbers(layer.weight), _numbers(layer.bias), layer.eps

    def __call__(self, states: Float32) -> Float32:
        """[.., d]."""
        centred = states - states.mean(-1, keepdims=True)
        spread = np.sqrt(np.square(centred).mean(-1, keepdims=True) + np.float32(self._least))
        return np.asarray(centred / spread * self._weight + self._bias, np.float32)


@lru_cache(maxsize=64)
def _buckets(length: int) -> NDArray[np.int64]:
    return distance_buckets(length).numpy()


def _numbers(parameter: torch.Tensor) -> Float32:
    return parameter.detach().numpy()
