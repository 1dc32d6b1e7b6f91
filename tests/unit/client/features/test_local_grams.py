"""The catalogue's grams under its own idf."""

import numpy as np
import pytest

from client.features.local_grams import local_grams


def test_gives_rows_of_length_1_and_zero_where_there_is_no_word() -> None:
    grams = local_grams(("red wooden train", "", "red car"))
    assert np.sqrt((grams * grams).sum(axis=1)) == pytest.approx([1.0, 0.0, 1.0], abs=1e-6)


def test_lets_a_rare_gram_count_more_than_a_common_one() -> None:
    texts = ("red fox", "red hen", "red pig", "sky fox")
    cosines = (local_grams(texts) @ local_grams(texts).T).toarray()
    assert cosines[0, 3] > cosines[0, 1]


def test_weighs_a_gram_of_every_text_as_one() -> None:
    grams = local_grams(("a", "a"))
    # Words of one letter hold one word gram (idf ln(3/3) + 1 = 1) and one character gram "<a>" of weight 1/2.
    assert np.sort(grams.toarray()[0]) == pytest.approx(np.array([0.5, 1.0]) / np.sqrt(1.25))


def test_gives_an_empty_matrix_where_no_text_has_a_word() -> None:
    assert local_grams(("", "!")).shape == (2, 0)
