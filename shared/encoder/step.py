"""A step from one encoder to the next in a byte a number: what goes to a platform that holds the one before, and what
may come back from it in the place of a whole encoder.

A row of an array of the sequence part is rounded to 127 levels on either side of 0, up to its largest change. Decoding
is a product and a sum of float32 numbers, the same bits on every machine: both ends hold the same encoder, and its
digest proves it. The linear part has no step: where it is new, the whole encoder goes out.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.encoder.encoder import SEQUENCE, Encoder, EncoderSpec
from shared.encoder.layout import ArraySpec, Layout, unflatten

LEVELS = 127
_SCALE = np.dtype("<f4")


def digest(encoder: Encoder) -> str:
    """Hex digest of an encoder's layout and numbers."""
    numbers = encoder.flat.astype("<f4", copy=False).tobytes()
    return hashlib.sha256(encoder.spec.layout().hash.encode("ascii") + numbers).hexdigest()


def rows(spec: EncoderSpec) -> NDArray[np.int64]:
    """[R] how long the rows of the sequence part's arrays are, in their order; what has no rows is one."""
    arrays = [array for array in spec.layout().arrays if array.name.startswith(SEQUENCE)]
    counts = [array.shape[0] if len(array.shape) > 1 else 1 for array in arrays]
    return np.repeat([array.size // count for array, count in zip(arrays, counts, strict=True)], counts)


def step_layout(spec: EncoderSpec) -> Layout:
    """How codes and scales lie in one flat array of bytes; a scale is a little-endian float32."""
    lengths = rows(spec)
    codes = ArraySpec(name="step.codes", shape=(int(lengths.sum()),), dtype="int8")
    return Layout((codes, ArraySpec(name="step.scales", shape=(len(lengths), _SCALE.itemsize), dtype="int8")))


@dataclass(frozen=True, kw_only=True)
class Step:
    """What is added to the sequence part, [S] numbers in [R] rows: each row's scale times its codes."""

    codes: NDArray[np.int8]
    """[S]"""
    scales: NDArray[np.float32]
    """[R]"""

    @classmethod
    def between(cls, before: Encoder, after: Encoder) -> "Step":
        """The nearest step; half a level of a row's largest change is the most that any number is off."""
        lengths = rows(before.spec)
        size = int(lengths.sum())
        change = after.flat[-size:].astype(np.float64) - before.flat[-size:]
        largest = np.maximum.reduceat(np.abs(change), np.cumsum(lengths) - lengths)
        scales = (largest / LEVELS).astype(np.float32)
        levels = change / np.repeat(np.where(scales > 0, scales, 1), lengths)
        return cls(codes=np.clip(np.rint(levels), -LEVELS, LEVELS).astype(np.int8), scales=scales)

    def to_flat(self) -> NDArray[np.int8]:
        """[S + 4 R] in the order of ``step_layout``."""
        return np.concatenate([self.codes, self.scales.astype(_SCALE).view(np.int8)])

    @classmethod
    def from_flat(cls, flat: NDArray[np.int8], spec: EncoderSpec) -> "Step":
        """The inverse of ``to_flat``; scales that are not finite are taken as they are."""
        codes = unflatten(step_layout(spec), flat)["step.codes"]
        scales = np.ascontiguousarray(flat[len(codes) :]).view(_SCALE)
        return cls(codes=codes, scales=scales.astype(np.float32))

    def added_to(self, encoder: Encoder) -> Encoder:
        """The next encoder; its linear part is that of the given one.

        Scales of absurd size give numbers that are not finite, without a warning.
        """
        flat = encoder.flat.copy()
        with np.errstate(over="ignore", invalid="ignore"):
            flat[-len(self.codes) :] += np.repeat(self.scales, rows(encoder.spec)) * self.codes.astype(np.float32)
        return Encoder(spec=encoder.spec, flat=flat)
