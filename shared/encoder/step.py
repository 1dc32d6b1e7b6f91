"""A step from one encoder to the next in a byte a number: what goes to a platform that holds the one before, and what
may come back from it in the place of a whole encoder.

Numbers lie in rows, as a byte each and a scale a row: rounded to 127 levels on either side of 0, up to the row's
largest. Decoding is a product of float32 numbers, the same bits on every machine: both ends hold the same encoder, and
its digest proves it. The linear part has no step: where it is new, the whole encoder goes out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.layout import ArraySpec, Layout, unflatten

LEVELS = 127
_SCALE = np.dtype("<f4")


def row_lengths(arrays: Sequence[ArraySpec]) -> NDArray[np.int64]:
    """[R] how long the arrays' rows are, in their order; what has no rows is one."""
    counts = [array.shape[0] if len(array.shape) > 1 else 1 for array in arrays]
    return np.repeat([array.size // count for array, count in zip(arrays, counts, strict=True)], counts)


def byte_layout(name: str, arrays: Sequence[ArraySpec]) -> Layout:
    """How codes and scales lie in one flat array of bytes; a scale is a little-endian float32."""
    lengths = row_lengths(arrays)
    codes = ArraySpec(name=f"{name}.codes", shape=(int(lengths.sum()),), dtype="int8")
    return Layout((codes, ArraySpec(name=f"{name}.scales", shape=(len(lengths), _SCALE.itemsize), dtype="int8")))


@dataclass(frozen=True, kw_only=True)
class ByteRows:
    """[S] numbers in [R] rows: each row's scale times its codes."""

    codes: NDArray[np.int8]
    """[S]"""
    scales: NDArray[np.float32]
    """[R]"""

    @classmethod
    def nearest(cls, values: NDArray[np.float64], lengths: NDArray[np.int64]) -> Self:
        """To ``values`` [S]; half a level of a row's largest number is the most that any is off."""
        largest = np.maximum.reduceat(np.abs(values), np.cumsum(lengths) - lengths)
        scales = (largest / LEVELS).astype(np.float32)
        levels = values / np.repeat(np.where(scales > 0, scales, 1), lengths)
        return cls(codes=np.clip(np.rint(levels), -LEVELS, LEVELS).astype(np.int8), scales=scales)

    def values(self, lengths: NDArray[np.int64]) -> NDArray[np.float32]:
        """[S]; scales of absurd size give numbers that are not finite, without a warning."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.repeat(self.scales, lengths) * self.codes.astype(np.float32)

    def to_flat(self) -> NDArray[np.int8]:
        """[S + 4 R] in the order of ``byte_layout``."""
        return np.concatenate([self.codes, self.scales.astype(_SCALE).view(np.int8)])

    @classmethod
    def from_flat(cls, flat: NDArray[np.int8], layout: Layout) -> Self:
        """The inverse of ``to_flat``; scales that are not finite are taken as they are.

        Raises ValueError where length or dtype differ from the layout's.
        """
        codes = unflatten(layout, flat)[layout.arrays[0].name]
        return cls(codes=codes, scales=np.ascontiguousarray(flat[len(codes) :]).view(_SCALE).astype(np.float32))


def rows(spec: EncoderSpec) -> NDArray[np.int64]:
    """[R] how long the rows of the sequence part's arrays are, in their order; what has no rows is one."""
    return row_lengths(spec.sequence_arrays)


def step_layout(spec: EncoderSpec) -> Layout:
    """How a step lies in one flat array of bytes."""
    return byte_layout("step", spec.sequence_arrays)


@dataclass(frozen=True, kw_only=True)
class Step(ByteRows):
    """What is added to the sequence part, row by row."""

    @classmethod
    def between(cls, before: Encoder, after: Encoder) -> "Step":
        """The nearest step; half a level of a row's largest change is the most that any number is off."""
        place = before.spec.sequence_place
        return cls.nearest(after.flat[place].astype(np.float64) - before.flat[place], rows(before.spec))

    def added_to(self, encoder: Encoder) -> Encoder:
        """The next encoder; its linear part is that of the given one.

        Scales of absurd size give numbers that are not finite, without a warning.
        """
        flat = encoder.flat.copy()
        with np.errstate(over="ignore", invalid="ignore"):
            flat[encoder.spec.sequence_place] += self.values(rows(encoder.spec))
        return Encoder(spec=encoder.spec, flat=flat)
