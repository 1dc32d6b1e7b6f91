"""A step from one encoder to the next in a byte a number: what goes to a platform that holds the one before, and what
may come back from it in the place of a whole encoder.

Both ends make the same bits of it (shared/encoder/byte_rows.py), so they hold the same encoder, and its digest proves
it. The linear part has no step: where it is new, the whole encoder goes out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.encoder.byte_rows import ByteRows, byte_layout, row_lengths
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.layout import Layout


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
