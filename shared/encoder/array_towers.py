"""The state of one history by trained history towers, in numpy alone: without torch, and for less a call.

What ``HistoryTower`` gives without padding and dropout. L items, d width, h heads.
"""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Numbers = Mapping[str, NDArray[Any]]
"""a tower's parameters by their names in the module"""
DISTANCE_BUCKETS = 16
_HALF_ROOT = np.float32(1 / math.sqrt(2))
_LEAST = np.float32(1e-5)
"""what a norm adds to a variance, as torch has it"""
_MEMBERS = "members."


class ArrayTowers:
    """Shares the parameters' numbers; they must not be trained meanwhile."""

    def __init__(self, numbers: Numbers) -> None:
        """``numbers`` are those of one tower, or of several members'; raises KeyError where one is missing."""
        members = _parts(numbers, _MEMBERS) if any(name.startswith(_MEMBERS) for name in numbers) else [numbers]
        self._members = [_Tower(member) for member in members]

    def of(self, vectors: Float32) -> Float32:
        """[d] at the last of L items' vectors [L, d], oldest first; L is at least 1."""
        state: Float32 = self._joined(vectors, 1)[0]
        return state

    def at_each(self, vectors: Float32) -> Float32:
        """[L, d] at each of L items' vectors [L, d], oldest first; none has seen a later one."""
        return self._joined(vectors, len(vectors))

    def _joined(self, vectors: Float32, count: int) -> Float32:
        parts = np.split(vectors, len(self._members), axis=1)
        states = [tower.last(part, count) for tower, part in zip(self._members, parts, strict=True)]
        return np.asarray(np.concatenate(states, axis=1) / np.float32(len(states)), np.float32)


class _Tower:
    def __init__(self, numbers: Numbers) -> None:
        self._blocks = [_Block(block) for block in _parts(numbers, "blocks.")]
        self._norm, width = _Norm(numbers, "norm"), len(numbers["norm.weight"])
        self._scale = np.float32(math.exp(float(numbers["log_scale"][0])) / math.sqrt(width))

    def last(self, vectors: Float32, count: int) -> Float32:
        """[count, d]."""
        for block in self._blocks[:-1]:
            vectors = block.states(vectors, len(vectors))
        return np.asarray(self._norm(self._blocks[-1].states(vectors, count)) * self._scale, np.float32)


class _Block:
    def __init__(self, numbers: Numbers) -> None:
        self._bias_of = _float32(numbers["distance_bias"])
        self._attention_norm, self._forward_norm = _Norm(numbers, "attention_norm"), _Norm(numbers, "forward_norm")
        self._ask, self._out = _Linear(numbers, "query_key_value"), _Linear(numbers, "attention_out")
        self._into, self._from = _Linear(numbers, "forward_in"), _Linear(numbers, "forward_out")

    def states(self, states: Float32, count: int) -> Float32:
        """[count, d] the last states after the block, from those before it [L, d]."""
        length, width = states.shape
        asked = self._ask(self._attention_norm(states)).reshape(length, 3, len(self._bias_of), -1).transpose(1, 2, 0, 3)
        query, key, value = asked[0, :, length - count :], asked[1], asked[2]
        buckets = bucket_rows(length)[length - count :]
        scores = query @ key.transpose(0, 2, 1) / np.float32(math.sqrt(query.shape[2])) + self._bias_of[:, buckets]
        scores[:, buckets < 0] = -np.inf
        shares = np.exp(scores - scores.max(2, keepdims=True))
        shares /= shares.sum(2, keepdims=True)
        attended = (shares @ value).transpose(1, 0, 2).reshape(count, width)
        states = states[length - count :] + self._out(attended)
        inner = self._into(self._forward_norm(states))
        return states + self._from(inner * (_erf(inner * _HALF_ROOT) + 1) * np.float32(0.5))


class _Linear:
    def __init__(self, numbers: Numbers, name: str) -> None:
        self._weight, self._bias = _float32(numbers[f"{name}.weight"]).T, _float32(numbers[f"{name}.bias"])

    def __call__(self, states: Float32) -> Float32:
        """[.., d] -> [.., e]."""
        return np.asarray(states @ self._weight + self._bias, np.float32)


class _Norm:
    def __init__(self, numbers: Numbers, name: str) -> None:
        self._weight, self._bias = _float32(numbers[f"{name}.weight"]), _float32(numbers[f"{name}.bias"])

    def __call__(self, states: Float32) -> Float32:
        """[.., d]."""
        centred = states - states.mean(-1, keepdims=True)
        spread = np.sqrt(np.square(centred).mean(-1, keepdims=True) + _LEAST)
        return np.asarray(centred / spread * self._weight + self._bias, np.float32)


@lru_cache(maxsize=64)
def bucket_rows(length: int) -> NDArray[np.int64]:
    """[L, L] buckets of distances: 0..7 for that distance, then 8..15 on a log scale up to 64; -1 for a later key.

    Made once for each length L, so not to be changed.
    """
    positions = np.arange(length)
    distance = positions[:, None] - positions[None, :]
    far = 8 + (np.log2(np.maximum(distance, 8) / 8) * 8 / 3).astype(np.int64)
    bucket = np.where(distance < 8, distance, np.minimum(far, DISTANCE_BUCKETS - 1))
    return np.where(distance < 0, -1, bucket)


def _erf(values: Float32) -> Float32:
    """Right to 1.5e-7, by 7.1.26 of Abramowitz and Stegun (1964)."""
    size = np.abs(values)
    t = 1 / (1 + np.float32(0.3275911) * size)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.asarray(np.copysign(1 - series * np.exp(-size * size), values), np.float32)


def _parts(numbers: Numbers, prefix: str) -> list[Numbers]:
    """The parameters of each numbered part under a prefix, in the order of the numbers."""
    parts: dict[int, dict[str, NDArray[Any]]] = {}
    for name, array in numbers.items():
        if name.startswith(prefix):
            number, _, rest = name.removeprefix(prefix).partition(".")
            parts.setdefault(int(number), {})[rest] = array
    return [parts[number] for number in sorted(parts)]


def _float32(array: NDArray[Any]) -> Float32:
    return np.asarray(array, np.float32)
