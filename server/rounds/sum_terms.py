"""The terms of a sum: the narrowest ring that is fine enough for so many platforms, or for the noise."""

import math

from shared.errors import ConfigError
from shared.federation.private_parts import private_length
from shared.federation.sum_messages import SumWork
from shared.federation.sum_vector import VectorForm
from shared.secure_sum.noise_for_users import private_terms
from shared.secure_sum.ring import WIDTHS
from shared.secure_sum.terms import SumTerms


def noised_terms(work: SumWork, largest: int, colluding: int) -> SumTerms:
    """Of a sum that bears the noise of its work once.

    Args:
        work: what the vectors are of.
        largest: size class of the largest platform: a user adds no more than 1 to any number, and a class is at most
            the root of 2 below the number of its users.
        colluding: platforms whose noise does not count.

    Raises ConfigError where a value makes no sense.
    """
    return private_terms(private_length(work), 2.0 * largest, work.noise, colluding, bytes.fromhex(work.meaning))


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
