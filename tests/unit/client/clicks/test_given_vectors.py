"""How near candidates are to histories by a platform's own vectors."""

import numpy as np
import pytest

from client.clicks.given_vectors import COSINES, given_cosines
from client.data.impressions import ShownItems
from client.data.sequences import Sequences
from tests.unit.client.clicks.impression_cases import impressions_of, log_of

NOTHING = log_of([], [])


def test_is_the_cosine_to_the_mean_of_the_history_and_the_largest_to_one_of_it() -> None:
    vectors = np.array([[2.0, 0.0], [0.0, 3.0], [1.0, 1.0], [0.0, 0.0]], np.float32)
    shown = ShownItems(name="news", texts=("",) * 4, vectors=vectors, known=np.arange(4))
    histories = Sequences(offsets=np.array([0, 2, 2]), items=np.array([0, 1], np.int32))
    page = impressions_of([0.0, 1.0], [[0, 2, 3], [0]], NOTHING, NOTHING, n_items=4, shown=shown, histories=histories)
    names, found = given_cosines(page)
    half = np.sqrt(0.5)
    assert names == COSINES
    # the mean of two directions of length 1 points between them; a history of nothing is near nothing
    assert found == pytest.approx(np.array([[half, 1.0], [1.0, half], [0.0, 0.0], [0.0, 0.0]]), abs=1e-6)


def test_has_no_column_where_no_vectors_are_given() -> None:
    names, found = given_cosines(impressions_of([0.0], [[0, 1]], NOTHING, NOTHING, n_items=2))
    assert names == ()
    assert found.shape == (2, 0)
