"""The hashing feature space."""

import numpy as np
import pytest

from client.features.hashing import hash_texts, hashing_space
from client.features.precomputed import precomputed_space
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


def test_refuses_to_mix_two_spaces_and_names_both() -> None:
    with pytest.raises(FeatureSpaceMismatch, match=r"hashing .* precomputed"):
        require_same(hashing_space(), precomputed_space(512), where="platform 'shop'")
