"""Noise in parts, so that what drop-outs leave is enough and what they would have taken is removed again.

XNoise (Dordis: Jiang, Wang and Chen, EuroSys 2024, section 3): each party adds noise for the case that as many drop as
may; when fewer did, the parts for the others are taken off by their seeds. Two things are ours. Parts end at 1, 2, 4, 8
... drop-outs and not at each number, so that few seeds are shared; and the seeds are a chain, each derived from the one
before, so that one opened seed opens the parts from there on and none before it.

The sum of rounded normal numbers has, but for terms of e^(-2 pi^2 s^2) with s the least spread in cells, the
distribution of a normal number and uniform ones, rounded: what is promised of the normal number holds of it.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.errors import ConfigError
from shared.privacy.gaussian_draws import FARTHEST, Draw, gaussian
from shared.secure_sum.quorum import most_missing, quorum
from shared.secure_sum.streams import derived, stream
from shared.secure_sum.terms import SumTerms

LEAST_SPREAD = 2.0
"""cells: e^(-2 pi^2 4) is 5e-35"""


def levels(parties: int) -> tuple[int, ...]:
    """Numbers of drop-outs up to which each part is needed: 0, 1, 2, 4 ... and as many as may drop out.

    Args:
        parties: how many the roster has.

    Returns:
        One number for each part, rising.
    """
    most = most_missing(parties)
    doubled = [2**power for power in range(most.bit_length()) if 2**power < most]
    return (0, *doubled, most) if most else (0,)


def seeds_of(first: bytes, parties: int) -> tuple[bytes, ...]:
    """The seeds of all parts but that for no drop-out, which is drawn freely.

    Args:
        first: 32 bytes, from which the others are derived.
        parties: how many the roster has.

    Returns:
        One seed for each part, ``first`` before all; empty where nobody may drop out.
    """
    return _chain(first, len(levels(parties)) - 1)


@dataclass(frozen=True)
class NoiseParts:
    """How a party's noise is cut."""

    parties: int
    """of the roster"""
    variances: tuple[float, ...]
    """of a party's noise in cells squared, with the parts up to each level"""

    @classmethod
    def of(cls, terms: SumTerms, parties: int) -> "NoiseParts | None":
        """How the noise of a sum is cut.

        Args:
            terms: of the sum.
            parties: how many the roster has.

        Returns:
            The parts; None for a sum without noise.

        Raises:
            ConfigError: if the grid is too coarse for the noise, or too many parties are to collude.
        """
        noise = terms.noise
        if noise is None:
            return None
        if noise.colluding >= quorum(parties):
            expected = f"fewer than {quorum(parties)} colluding parties of {parties}"
            raise ConfigError(f"noise of a sum: expected {expected}; got {noise.colluding}")
        whole = math.ldexp(noise.spread, -terms.exponent) ** 2
        parts = cls(parties, tuple(whole / (parties - level - noise.colluding) for level in levels(parties)))
        if min(parts.spreads) < LEAST_SPREAD:
            expected = f"parts of at least {LEAST_SPREAD:g} cells in spread"
            raise ConfigError(f"noise of a sum: expected {expected}; got {min(parts.spreads):.2g}: take a finer grid")
        return parts

    @property
    def spreads(self) -> tuple[float, ...]:
        """Of each part, in cells."""
        before = (0.0, *self.variances[:-1])
        return tuple(math.sqrt(after - less) for after, less in zip(self.variances, before, strict=True))

    @property
    def most(self) -> int:
        """No party's whole noise is farther from 0, in cells."""
        return sum(math.ceil(FARTHEST * spread) + 1 for spread in self.spreads)

    def level(self, missing: int) -> int:
        """Number of the last part that is needed after so many drop-outs."""
        return next(number for number, level in enumerate(levels(self.parties)) if missing <= level)

    def left(self, missing: int) -> float:
        """Variance of the noise of a party that stays in the sum, in cells squared."""
        return self.variances[self.level(missing)]

    def whole(self, length: int, first: bytes, draw: Draw) -> NDArray[np.int64]:
        """A party's noise: the free part and all that its seeds give.

        Args:
            length: numbers of the vector.
            first: 32 bytes, the party's first seed.
            draw: source of random bytes for the free part.

        Returns:
            [length] cells.
        """
        free = _rounded(self.spreads[0], length, draw)
        return free + self._of_seeds(length, seeds_of(first, self.parties), self.spreads[1:])

    def surplus(self, length: int, seed: bytes, missing: int) -> NDArray[np.int64]:
        """What is taken off a party's noise by the seed of the first part that is not needed.

        Args:
            length: numbers of the vector.
            seed: 32 bytes, the seed of that part.
            missing: how many parties of the roster dropped out.

        Returns:
            [length] cells.
        """
        spreads = self.spreads[self.level(missing) + 1 :]
        return self._of_seeds(length, _chain(seed, len(spreads)), spreads)

    def _of_seeds(self, length: int, seeds: tuple[bytes, ...], spreads: tuple[float, ...]) -> NDArray[np.int64]:
        total = np.zeros(length, np.int64)
        for seed, spread in zip(seeds, spreads, strict=True):
            total += _rounded(spread, length, _stream_of(seed))
        return total


def _chain(first: bytes, count: int) -> tuple[bytes, ...]:
    """So many seeds, each derived from the one before."""
    seeds = [first]
    for _ in range(count - 1):
        seeds.append(derived(seeds[-1], b"next noise seed"))
    return tuple(seeds[:count])


def _stream_of(seed: bytes) -> Draw:
    key = derived(seed, b"noise")
    return lambda size: stream(key, size)


def _rounded(spread: float, length: int, draw: Draw) -> NDArray[np.int64]:
    return np.rint(spread * gaussian((length,), draw)).astype(np.int64)
