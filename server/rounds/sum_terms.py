"""The terms of a sum: the narrowest ring that is fine enough for so many platforms."""

import math

from shared.errors import ConfigError
from shared.federation.sum_vector import VectorForm
from shared.secure_sum.ring import WIDTHS
from shared.secure_sum.terms import SumTerms


def sum_terms(form: VectorForm, parties: int, about: bytes) -> SumTerms:
    """A sum in which no vector within its bounds is cut, and none wraps around.

    Half a cell is the most that rounding moves a party's number by, and so the mean of all.

    Args:
        form: of the vectors.
        parties: of the roster.
        about: digest of what the vectors are of.

    Raises ConfigError where no ring is fine enough.
    """
    for bits in WIDTHS:
        most = (2 ** (bits - 1) - 1) // parties
        exponent = math.ceil(math.log2(form.bound / most)) if most else 0
        if most and 2.0**exponent / 2 <= form.fine:
            cells = math.floor(math.ldexp(form.bound, -exponent))
            return SumTerms(length=form.length, exponent=exponent, most=cells, about=about)
    expected = f"expected bounds for which a sum of {parties} platforms is fine enough"
    raise ConfigError(f"{expected}; got {form.bound:g}")
