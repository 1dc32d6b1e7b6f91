"""Whole numbers modulo a power of two of whole bytes, packed without a bit more; sums wrap around as masks need it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import ConfigError, WireError
from shared.secure_sum.streams import stream

WIDTHS = (16, 24, 32, 40, 48)
MOST_SUM = 2 ** (WIDTHS[-1] - 1) - 1
"""The largest head-room; each whole number up to it is a float64."""
Elements = NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True)
class Ring:
    """Numbers modulo ``2^bits``; arrays of them are held in the next wider unsigned type, their upper bits free."""

    bits: int

    @classmethod
    def holding(cls, most: int) -> "Ring":
        """The narrowest in which sums from ``-most`` to ``most`` are told apart.

        Raises ConfigError where none is wide enough.
        """
        for bits in WIDTHS:
            if most < 2 ** (bits - 1):
                return cls(bits)
        raise ConfigError(f"expected sums of at most 2^{WIDTHS[-1] - 1} - 1 cells; got terms that allow {most}")

    @property
    def width(self) -> int:
        """Bytes of an element."""
        return self.bits // 8

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """Of arrays in memory."""
        wider = next(width for width in (2, 4, 8) if width >= self.width)
        return np.dtype(f"<u{wider}")

    def elements(self, cells: NDArray[np.int64]) -> Elements:
        """[P] of signed numbers [P]."""
        return cells.astype(self.dtype)

    def signed(self, elements: Elements) -> NDArray[np.int64]:
        """[P] the numbers from ``-2^(bits-1)`` on that have these elements."""
        free = np.int64(64 - self.bits)
        shifted: NDArray[np.int64] = (elements.astype(np.uint64) << np.uint64(free)).view(np.int64) >> free
        return shifted

    def packed(self, elements: Elements) -> bytes:
        """``width`` bytes an element."""
        held = np.ascontiguousarray(elements, self.dtype).view(np.uint8).reshape(len(elements), self.dtype.itemsize)
        return held[:, : self.width].tobytes()

    def unpacked(self, content: bytes) -> Elements:
        """The inverse of ``packed``; raises WireError for bytes that are no whole elements."""
        if len(content) % self.width:
            raise WireError(f"expected whole numbers of {self.width} bytes; found {len(content)} bytes")
        held = np.zeros((len(content) // self.width, self.dtype.itemsize), np.uint8)
        held[:, : self.width] = np.frombuffer(content, np.uint8).reshape(-1, self.width)
        return held.view(self.dtype)[:, 0]

    def mask(self, key: bytes, length: int) -> Elements:
        """Elements from a key's stream, all equally likely.

        Args:
            key: 32 bytes, for this mask alone.
            length: how many elements.

        Returns:
            [length] elements.
        """
        return np.frombuffer(stream(key, length * self.dtype.itemsize), self.dtype)
