"""Products with packed vectors are the plain products."""

import pytest
import torch

from client.recommender import packed_vectors
from client.recommender.packed_vectors import PackedVectors


@pytest.mark.parametrize("plain", [False, True], ids=["packed", "without-onednn"])
def test_multiplies_as_a_plain_product_does(plain: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if plain:
        monkeypatch.setattr(packed_vectors, "_PACK", None)
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(203, 96, generator=generator)
    packed = PackedVectors(vectors)
    for count in (5, 1, 5, 8):
        queries = torch.randn(count, 96, generator=generator)
        found = torch.cat(tuple(packed.products([row[None] for row in queries.numpy()])))
        torch.testing.assert_close(found, queries @ vectors.T, atol=1e-4, rtol=1e-5)
    assert len(packed.products([])) == 0


def test_packs_vectors_where_torch_has_onednn() -> None:
    if not torch.backends.mkldnn.is_available():
        pytest.skip("this torch has no oneDNN")
    assert packed_vectors._PACK is not None
    assert packed_vectors._MULTIPLY is not None
