"""How far platforms' vectors point the same way."""

import numpy as np
import pytest

from server.aggregation.inner_products import InnerProducts


def between(**vectors) -> InnerProducts:
    return InnerProducts.between(vectors, lambda one, other: float(np.dot(vectors[one], vectors[other])))


def test_says_how_far_updates_point_the_same_way():
    found = between(a=[1, 0], b=[5, 0], c=[0, -2], d=[1, 1]).cosines()
    assert found["a"] == pytest.approx({"b": 1.0, "c": 0.0, "d": 0.5**0.5})
    assert found["c"]["d"] == found["d"]["c"] == pytest.approx(-(0.5**0.5))


def test_says_nothing_of_an_update_that_changes_nothing():
    assert between(a=[0, 0], b=[1, 0]).cosines()["a"] == {"b": 0.0}


def test_has_nothing_to_compare_without_updates():
    assert between().cosines() == {}


def test_gives_the_same_of_some_as_if_the_others_were_not_there():
    some, alone = between(c=[0, -2], a=[1, 0], b=[5, 1]).only(["c", "b"]), between(b=[5, 1], c=[0, -2])
    assert some.names == alone.names == ("b", "c")
    assert np.array_equal(some.table, alone.table)
    assert np.array_equal(some.lengths, [26**0.5, 2])
