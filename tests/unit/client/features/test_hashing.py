"""The hashing feature space, and a catalogue's grams under its own idf."""

import numpy as np
import pytest

from client.features import hashing
from client.features.hashing import hash_texts, hashing_space, local_grams
from client.features.item_features import precomputed_space
from shared.errors import FeatureSpaceMismatch
from shared.feature_space import require_same


def test_gives_vectors_of_length_1_and_zero_where_there_is_no_word() -> None:
    vectors = hash_texts(["red wooden train", "", "!?"])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1.0, 0.0, 0.0], abs=1e-5)


def test_puts_like_texts_near_and_others_far() -> None:
    red, blue, news = hash_texts(["red wooden train set", "blue wooden train set", "senate passes budget bill"])
    assert red @ blue > 0.5
    assert abs(red @ news) < 0.25


def test_does_not_depend_on_which_other_texts_stand_beside_it() -> None:
    alone = hash_texts(["yoga mat"])[0]
    among = hash_texts(["wireless headset", "yoga mat", "shampoo"])[1]
    assert np.allclose(alone, among, atol=1e-6)


def test_is_the_same_however_many_texts_are_read_together(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["a lamp", "", "lamp lamp oil", "old oil lamp, blue", "a blue lamp shade"]
    whole = hash_texts(texts, 64)
    for together in (1, 2, 5):
        monkeypatch.setattr(hashing, "TEXTS", together)
        assert np.array_equal(hash_texts(texts, 64), whole)


def test_refuses_to_mix_two_spaces_and_names_both() -> None:
    with pytest.raises(FeatureSpaceMismatch, match=r"hashing .* precomputed"):
        require_same(hashing_space(), precomputed_space(512), where="platform 'shop'")


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
