import numpy as np
import pytest

from server.aggregation.server_optimiser import Update, cosines


def update(name: str, *difference: float) -> Update:
    return Update(name=name, difference=np.array(difference, np.float64), weight=1.0)


def test_says_how_far_updates_point_the_same_way():
    found = cosines([update("a", 1, 0), update("b", 5, 0), update("c", 0, -2), update("d", 1, 1)])
    assert found["a"] == pytest.approx({"b": 1.0, "c": 0.0, "d": 0.5**0.5})
    assert found["c"]["d"] == found["d"]["c"] == pytest.approx(-(0.5**0.5))


def test_says_nothing_of_an_update_that_changes_nothing():
    assert cosines([update("a", 0, 0), update("b", 1, 0)])["a"] == {"b": 0.0}


def test_has_nothing_to_compare_without_updates():
    assert cosines([]) == {}
