"""What a sum's noise is to users: as a multiple of what one user can move the sum by; P numbers of a vector.

A user moves their platform's vector by a length of 1 at the most. Each number is then rounded to a cell, by half of one
either way; so two vectors that differ by a length of 1 differ by 1 + √P cells afterwards, and no more. The grid is so
fine that this is next to nothing, and the noise is larger by as much.
"""

import math

from shared.errors import ConfigError
from shared.secure_sum.noise_parts import NoiseParts
from shared.secure_sum.terms import Noise, SumTerms

FINE = 2.0**-10
"""What rounding may add to a length of 1."""


def private_terms(length: int, bound: float, noise: float, colluding: int, about: bytes) -> SumTerms:
    """Terms of a sum whose noise is ``noise`` times what one user moves it by.

    Args:
        length: P.
        bound: the largest size of a number.
        noise: spread, as a multiple of the length by which one user moves a vector.
        colluding: parties whose noise does not count.
        about: digest of what the vectors are of.

    Returns:
        The terms, on a grid so fine that rounding adds next to nothing to what one user moves.

    Raises:
        ConfigError: if a value makes no sense.
    """
    exponent = math.floor(math.log2(FINE / math.sqrt(length)))
    spread = noise * _moved(length, exponent)
    most = math.ceil(math.ldexp(bound, -exponent))
    return SumTerms(
        length=length,
        exponent=exponent,
        most=most,
        noise=Noise(spread=spread, colluding=colluding),
        about=about,
    )


def user_noise(terms: SumTerms) -> float:
    """The least spread of the noise in a sum of these terms, as a multiple of what one user moves it by; 0 for none."""
    return terms.noise.spread / _moved(terms.length, terms.exponent) if terms.noise else 0.0


def noise_left(terms: SumTerms, parties: int, survivors: int) -> float:
    """The least spread of the noise in a sum that was opened, as a multiple of what one user moves it by.

    Noise of the colluding is not counted. At least what ``user_noise`` is.

    Args:
        terms: of the sum, with noise.
        parties: how many the roster has.
        survivors: how many of them are in the sum; the others dropped out.

    Returns:
        The multiple.

    Raises:
        ConfigError: if the terms are without noise, or the noise does not suit grid or roster.
    """
    parts = NoiseParts.of(terms, parties)
    if parts is None or terms.noise is None:
        raise ConfigError("expected a sum under noise; got terms of one without")
    variance = (survivors - terms.noise.colluding) * parts.left(parties - survivors)
    return math.ldexp(math.sqrt(variance), terms.exponent) / _moved(terms.length, terms.exponent)


def _moved(length: int, exponent: int) -> float:
    """By how much one user moves a vector of cells, in the unit of the values."""
    return 1.0 + math.sqrt(length) * math.ldexp(1.0, exponent)
