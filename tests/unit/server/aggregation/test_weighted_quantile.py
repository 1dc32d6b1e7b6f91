"""Quantiles of platforms' figures by their weights."""

import numpy as np
import pytest

from server.aggregation.weighted_quantile import weighted_quantile


@pytest.mark.parametrize(
    ("values", "weights", "share", "expected"),
    [
        ([3.0, 1.0, 2.0], [1, 1, 1], 0.5, 2.0),
        ([3.0, 1.0], [1, 1], 0.5, 2.0),
        ([3.0, 1.0], [1, 3], 0.5, 1.0),
        ([5.0], [7], 0.3, 5.0),
        ([-9.0, 1.0, 2.0, 3.0], [1, 1, 1, 1], 0.3, 1.0),
        ([-9.0, -8.0, 2.0, 3.0], [1, 1, 1, 1], 0.3, -8.0),
        ([-9.0, -8.0, 2.0, 3.0], [0.1, 0.1, 1, 1], 0.3, 2.0),
    ],
)
def test_is_the_value_below_which_a_share_of_the_weight_lies(values, weights, share, expected) -> None:
    assert weighted_quantile(values, weights, share) == expected
    assert weighted_quantile(np.array(values), np.array(weights, np.float64), share) == expected
