"""Rounded products find nearly all of the nearest, a panel at a time."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from client.features import prepared_platform, rounded_search
from client.features.hashing import hash_texts
from client.features.prepared_platform import nearest
from client.features.rounded_search import nearest_rounded
from shared.seeding import rng_for

ITEMS, K = 700, 20


@pytest.fixture(scope="module")
def features() -> NDArray[np.float32]:
    rng = rng_for(0, "rounded-search")
    words = rng.integers(300, size=(ITEMS, 9))
    return hash_texts([" ".join(f"word{number}" for number in row) for row in words.tolist()], 256)


def recall(found: NDArray[np.int64], expected: NDArray[np.int64]) -> float:
    return float(np.mean([np.isin(best, row).mean() for row, best in zip(found, expected, strict=True)]))


@pytest.mark.parametrize("group", [1, 7, 16, 100])
def test_nearly_all_of_the_nearest_are_found(features: NDArray[np.float32], group: int) -> None:
    exact = nearest(features, K)
    items, cosines = nearest_rounded(features, K, group=group)
    assert recall(items, exact.items) >= 0.97
    np.testing.assert_allclose(cosines, exact.cosines, rtol=0.01, atol=1e-3)
    assert (np.diff(cosines, axis=1) <= 0).all()
    assert (items != np.arange(ITEMS)[:, None]).all()
    assert all(len(set(row)) == K for row in items.tolist())


def test_no_more_products_than_a_panel_lie_in_memory(
    features: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, best = nearest_rounded(features, K), rounded_search._best
    sizes: list[int] = []

    def watched(rounded: torch.Tensor, n: int, rows: slice, width: int, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        sizes.append((rows.stop - rows.start) * len(rounded))
        return best(rounded, n, rows, width, k)

    monkeypatch.setattr(rounded_search, "_best", watched)
    monkeypatch.setattr(rounded_search, "_PANEL", 10_000)
    items, cosines = nearest_rounded(features, K)
    assert max(sizes) <= 10_000
    assert recall(items, whole[0]) > 0.99
    np.testing.assert_allclose(cosines, whole[1], rtol=0.01, atol=1e-3)


def test_a_large_catalogue_is_searched_by_rounded_products(
    features: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared_platform, "EXACT_ITEMS", ITEMS - 1)
    found, expected = nearest(features, K), nearest_rounded(features, K)
    assert np.array_equal(found.items, expected[0])
    assert np.array_equal(found.cosines, expected[1])
    monkeypatch.setattr(prepared_platform, "EXACT_ITEMS", ITEMS)
    exact = nearest(features, K)
    rows = np.repeat(np.arange(ITEMS), K), exact.items.ravel()
    np.testing.assert_allclose(exact.cosines.ravel(), (features @ features.T)[rows], rtol=1e-5, atol=1e-6)
