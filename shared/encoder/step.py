"""A step from one encoder to the next in a byte a number: what goes to a platform that holds the one before, and what
may come back from it in the place of a whole encoder.

Both ends make the same bits of it (shared/encoder/byte_rows.py), so they hold the same encoder, and its digest proves
it. The linear part has no step: where it is new, the whole encoder goes out.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.encoder.byte_rows import ByteRows, byte_layout, row_lengths
from shared.encoder.encoder import SEQUENCE, Encoder, EncoderSpec
from shared.encoder.layout import ArraySpec, Layout


def digest(encoder: Encoder) -> str:
    """Hex digest of an encoder's layout and numbers."""
    numbers = encoder.flat.astype("<f4", copy=False).tobytes()
    return hashlib.sha256(encoder.spec.layout().hash.encode("ascii") + numbers).hexdigest()


def rows(spec: EncoderSpec) -> NDArray[np.int64]:
    """[R] how long the rows of the sequence part's arrays are, in their order; what has no rows is one."""
    return row_lengths(_sequence_arrays(spec))


def step_layout(spec: EncoderSpec) -> Layout:
    """How a step lies in one flat array of bytes."""
    return byte_layout("step", _sequence_arrays(spec))


def _sequence_arrays(spec: EncoderSpec) -> list[ArraySpec]:
    return [array for array in spec.layout().arrays if array.name.startswith(SEQUENCE)]


@dataclass(frozen=True, kw_only=True)
class Step(ByteRows):
    """What is added to the sequence part, row by row."""

    @classmethod
    def between(cls, before: Encoder, after: Encoder) -> "Step":
        """The nearest step; half a level of a row's largest change is the most that any number is off."""
        lengths = rows(before.spec)
        size = int(lengths.sum())
        return cls.nearest(after.flat[-size:].astype(np.float64) - before.flat[-size:], lengths)

    def added_to(self, encoder: Encoder) -> Encoder:
        """The next encoder; its linear part is that of the given one.

        Scales of absurd size give numbers that are not finite, without a warning.
        """
        flat = encoder.flat.copy()
        with np.errstate(over="ignore", invalid="ignore"):
            flat[-len(self.codes) :] += self.values(rows(encoder.spec))
        return Encoder(spec=encoder.spec, flat=flat)
