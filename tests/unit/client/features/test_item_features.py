"""Feature spaces by their written names."""

import pytest

from client.features.item_features import check_features, item_features
from client.features.kept_vectors import VectorFolder
from shared.errors import ConfigError


class Texts:
    name = "shop"
    vectors = None
    texts = ("red wooden train", "yoga mat")


def test_makes_hashed_vectors_as_long_as_asked_and_two_lengths_are_two_spaces(tmp_path) -> None:
    found = {
        features: item_features(Texts(), features, cached_vectors=VectorFolder(tmp_path))
        for features in ("hashing", "hashing:64", "hashing:128")
    }
    assert [vectors.shape[1] for _, vectors in found.values()] == [1024, 64, 128]
    assert len({space.fingerprint for space, _ in found.values()}) == 3
    again, vectors = item_features(Texts(), "hashing:64", cached_vectors=VectorFolder(tmp_path))
    assert again == found["hashing:64"][0]
    assert vectors.tobytes() == found["hashing:64"][1].tobytes()


@pytest.mark.parametrize(
    "features", ["hashing:100", "hashing:32", "hashing:8192", "hashing:-64", "hashing:x", "hashing:²"]
)
def test_refuses_a_length_that_is_none(features) -> None:
    with pytest.raises(ConfigError, match="a multiple of 64 from 64 to 4096; got"):
        check_features(features)


@pytest.mark.parametrize("features", ["sentence-transformers", "sentence-transformers:", "bert", ""])
def test_refuses_a_space_that_does_not_exist(features) -> None:
    with pytest.raises(ConfigError, match="features must be"):
        check_features(features)
