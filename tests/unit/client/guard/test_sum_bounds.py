import numpy as np
import pytest

from client.guard.sum_bounds import within_bounds
from shared.secure_sum.fixed_point import FixedPoint
from shared.secure_sum.terms import SumTerms

TERMS = SumTerms(length=3, exponent=-2, most=8)
"""numbers up to 2"""


@pytest.mark.parametrize(
    ("values", "norm", "expected"),
    [
        ([0.0, 1.2, -1.6], 2.0, [0.0, 1.2, -1.6]),
        ([0.0, 1.2, -1.6], 1.0, [0.0, 0.6, -0.8]),
        ([0.0, 1.2, -1.6], 0.0, [0.0, 1.2, -1.6]),
        ([9.0, -9.0, 1.0], 0.0, [2.0, -2.0, 1.0]),
        ([0.0, 0.0, 0.0], 1.0, [0.0, 0.0, 0.0]),
    ],
    ids=["as it is", "scaled to the norm", "no norm", "each number to the bound", "nothing"],
)
def test_cuts_a_vector_to_norm_and_bound(values, norm, expected) -> None:
    found = within_bounds(np.array(values), norm, TERMS.bound)
    assert found == pytest.approx(expected)
    assert len(FixedPoint.of(TERMS, 3).cells(found)) == 3
