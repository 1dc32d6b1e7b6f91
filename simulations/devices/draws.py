"""Draws that hang on numbers alone: the same seed, purpose and numbers give the same draw, in any order and process.

A generator would have to be wound to a device's place; here each draw is a hash of (seed, purpose, numbers), so that
nothing is kept of a population. The hash is SplitMix64's finaliser (Steele, Lea and Flood, "Fast splittable
pseudorandom number generators", OOPSLA 2014), once for each number.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shared.seeding import seed_for

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FACTORS = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)))
_LAST_SHIFT = np.uint64(31)
_UNUSED_BITS = np.uint64(11)
"""a float64 holds 53 of 64"""


def uniforms(seed: int, purpose: str, *numbers: ArrayLike) -> NDArray[np.float64]:
    """Uniform draws.

    Args:
        seed: of the population.
        purpose: what is drawn; draws of other purposes are independent of it.
        *numbers: whole numbers that name the draw, as a device's and a day's: arrays that broadcast against each other.

    Returns:
        Numbers above 0 and below 1, in the shape of the arrays.
    """
    bits: NDArray[np.uint64] = np.asarray(seed_for(seed, "population", purpose), np.uint64)
    with np.errstate(over="ignore"):  # sums and products modulo 2^64 are meant
        for number in numbers:
            bits = _mixed((bits ^ np.asarray(number, np.int64).view(np.uint64)) + _GOLDEN)
    return np.asarray(((bits >> _UNUSED_BITS) + 0.5) * 2.0**-53, np.float64)


def normals(seed: int, purpose: str, *numbers: ArrayLike) -> NDArray[np.float64]:
    """Standard normal draws, by Box and Muller.

    Args:
        seed: as of ``uniforms``.
        purpose: the same.
        *numbers: the same.

    Returns:
        Numbers in the shape of the arrays.
    """
    radius = np.sqrt(-2 * np.log(uniforms(seed, f"{purpose}, radius", *numbers)))
    return np.asarray(radius * np.cos(2 * np.pi * uniforms(seed, f"{purpose}, angle", *numbers)))


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    for shift, factor in _FACTORS:
        bits = (bits ^ (bits >> shift)) * factor
    return bits ^ (bits >> _LAST_SHIFT)
