"""The terms of a sum of updates: the narrowest ring that is fine enough for so many platforms."""

import math

from shared.errors import ConfigError
from shared.secure_sum.ring import WIDTHS
from shared.secure_sum.terms import SumTerms

FINE = 2.0**-21
"""What rounding may move a mean of updates by in any number: training makes more of it in later rounds."""


def sum_terms(length: int, bound: float, parties: int, about: bytes) -> SumTerms:
    """A sum in which no vector of this bound is cut, and none wraps around.

    Half a cell is the most that rounding moves a party's number by, and so the mean of all.

    Args:
        length: P, numbers of a vector.
        bound: the largest size of a number.
        parties: of the roster.
        about: digest of what the vectors are of.

    Raises ConfigError where no ring is fine enough.
    """
    for bits in WIDTHS:
        most = (2 ** (bits - 1) - 1) // parties
        exponent = math.ceil(math.log2(bound / most)) if most else 0
        if most and 2.0**exponent / 2 <= FINE:
            cells = math.floor(math.ldexp(bound, -exponent))
            return SumTerms(length=length, exponent=exponent, most=cells, about=about)
    raise ConfigError(f"expected a bound for which a sum of {parties} platforms is fine enough; got {bound:g}")
