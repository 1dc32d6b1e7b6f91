"""Scores that are told without scoring the whole catalogue are those of the whole catalogue."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from client.data.sequences import Sequences
from client.scorers import lookups
from client.scorers.lookups import DenseLookup, GramLookup, Hidden, Looked, ProductLookup, SparseLookup

N, HISTORIES = 50, 4
HIDDEN = Sequences(offsets=np.array([0, 2, 2, 3, 6]), items=np.array([4, 9, 0, 7, 8, 49], np.int32))


def sparse_scores() -> sp.csr_array:
    rng = np.random.default_rng(0)
    dense = rng.random((HISTORIES, N)).astype(np.float32) * (rng.random((HISTORIES, N)) < 0.3)
    dense[1] = 0
    dense[0, 4] = 9.0
    return sp.csr_array(dense)


def looked() -> Looked:
    pool = np.array([[1, 2, 3, 4], [9, 8, 7, 6], [0, 5, 10, 49], [20, 20, 21, 22]])
    return Looked(pool, np.array([0, 11, 30]), N)


def without_hidden(dense: np.ndarray) -> np.ndarray:
    shown = dense.copy()
    shown[HIDDEN.owners(), HIDDEN.items] = 0
    return shown


def test_a_sparse_lookup_tells_what_the_dense_matrix_holds() -> None:
    scores, where = sparse_scores(), looked()
    shown = without_hidden(scores.toarray())
    lookup = SparseLookup(scores, Hidden(HIDDEN, N))
    expected = np.take_along_axis(shown, where.items.numpy(), axis=1)
    assert np.array_equal(lookup.at(where).numpy(), expected)
    assert np.array_equal(lookup.at(where).numpy(), expected)  # whatever was looked up before
    masses = lookup.masses((0.5, 1.0, 2.0))
    assert masses is not None
    assert np.allclose(masses.numpy(), np.stack([(shown**p).sum(1) for p in (0.5, 1.0, 2.0)], axis=1), atol=1e-5)


@pytest.mark.parametrize("kind", ["sparse", "dense"])
def test_offers_the_best_items_that_are_not_hidden(kind: str) -> None:
    scores, hidden = sparse_scores(), Hidden(HIDDEN, N)
    dense = torch.from_numpy(scores.toarray())
    lookup = SparseLookup(scores, hidden) if kind == "sparse" else DenseLookup(dense, hidden)
    offers = lookup.offers(5)
    for row, shown in enumerate(without_hidden(dense.numpy())):
        best = np.sort(shown)[::-1][:5]
        items = offers[row][offers[row] >= 0]
        assert not set(items) & set(HIDDEN.items[HIDDEN.owners() == row])
        assert np.array_equal(np.sort(shown[items])[::-1][: (best > 0).sum()], best[best > 0])


def test_a_row_that_is_the_same_for_all_offers_each_history_what_is_not_hidden_there() -> None:
    same = torch.arange(N, dtype=torch.float32).expand(HISTORIES, -1)
    offers = DenseLookup(same, Hidden(HIDDEN, N)).offers(2)
    assert offers.tolist() == [[49, 48], [49, 48], [49, 48], [48, 47]]


@pytest.mark.parametrize("most", [0, N])
def test_products_are_the_same_where_all_are_worked_out_and_where_few_are(most: int, monkeypatch) -> None:
    monkeypatch.setattr(lookups, "_ALL_UP_TO", most)
    rng, where = np.random.default_rng(1), looked()
    queries, vectors = (rng.normal(size=shape).astype(np.float32) for shape in ((HISTORIES, 2, 8), (N, 8)))
    products = ProductLookup(queries, vectors, Hidden(HIDDEN, N))
    for column in range(2):
        dense = queries[:, column] @ vectors.T
        lookup = products.column(column, searched=True)
        expected = np.take_along_axis(dense, where.items.numpy(), axis=1)
        assert np.allclose(lookup.at(where).numpy(), expected, atol=1e-5)
        assert np.array_equal(lookup.offers(3), DenseLookup(torch.from_numpy(dense), Hidden(HIDDEN, N)).offers(3))
    assert products.column(0, searched=False).offers(3).shape == (HISTORIES, 0)


def test_grams_are_multiplied_where_somebody_looks() -> None:
    rng, where = np.random.default_rng(2), looked()
    grams = sp.csr_array(rng.random((N, 30)).astype(np.float32) * (rng.random((N, 30)) < 0.2))
    values = rng.random((2, HISTORIES, 30)).astype(np.float32) * (rng.random((2, HISTORIES, 30)) < 0.5)
    queries = [sp.csr_array(column) for column in values]
    for column, lookup in zip(queries, GramLookup(queries, grams).columns, strict=True):
        expected = np.take_along_axis((column @ grams.T).toarray(), where.items.numpy(), axis=1)
        assert np.allclose(lookup.at(where).numpy(), expected, atol=1e-6)
