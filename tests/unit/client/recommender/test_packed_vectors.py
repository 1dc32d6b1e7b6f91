"""Products with packed vectors are the plain products, as near as half precision is."""

import pytest
import torch
from torch.nn import functional

from client.recommender import request_ensemble
from client.recommender.request_ensemble import PackedVectors


@pytest.mark.parametrize("plain", [False, True], ids=["packed", "without-fbgemm"])
def test_multiplies_as_a_plain_product_does(plain: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if plain:
        monkeypatch.setattr(request_ensemble, "packs_vectors", lambda: False)
    generator = torch.Generator().manual_seed(0)
    vectors = functional.normalize(torch.randn(203, 96, generator=generator))
    packed = PackedVectors(vectors)
    for count in (5, 1, 5, 8):
        queries = functional.normalize(torch.randn(count, 96, generator=generator))
        found = torch.cat(tuple(packed.products([row[None] for row in queries.numpy()])))
        torch.testing.assert_close(found, queries @ vectors.T, atol=1e-6 if plain else 2e-4, rtol=0)
    assert len(packed.products([])) == 0


def test_packs_vectors_where_torch_has_fbgemm() -> None:
    if not request_ensemble.packs_vectors():
        pytest.skip("this torch has no FBGEMM")
    packed = PackedVectors(torch.eye(3))
    assert "_packed" not in vars(packed)
    packed.products([torch.ones(1, 3).numpy()])
    assert "_packed" in vars(packed)
