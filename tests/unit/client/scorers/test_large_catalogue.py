"""What is kept of a catalogue that is not scored whole: the largest values of each row, and EASE of a block."""

import numpy as np
import pytest
import scipy.sparse as sp

from client.data.sequences import Sequences
from client.features.prepared_platform import nearest
from client.features.rows import unit_rows
from client.scorers import scorer
from client.scorers.cooccurrence import item_similarity
from client.scorers.diffusion import Diffusion
from client.scorers.ease import Ease, EaseSettings
from client.scorers.lookups import Hidden, Looked
from client.scorers.scorer import FitData, HistoryBatch
from client.scorers.table import SCORERS, fit_scorers

N, USERS = 120, 400


def user_items() -> sp.csr_array:
    """Users of three groups of items, some popular."""
    rng = np.random.default_rng(0)
    odds = 1 / (1 + np.arange(N // 3))
    rows = [np.unique(3 * rng.choice(N // 3, 8, p=odds / odds.sum()) + user % 3) for user in range(USERS)]
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    items = np.concatenate(rows)
    return sp.csr_array((np.ones(len(items), np.float32), items, offsets), shape=(USERS, N))


def fit_data() -> FitData:
    events, rng = user_items(), np.random.default_rng(1)
    features = unit_rows(rng.normal(size=(N, 16)).astype(np.float32))
    return FitData(
        sequences=Sequences(offsets=events.indptr.astype(np.int64), items=events.indices.astype(np.int32)),
        features=features,
        neighbours=nearest(features),
        ordered=True,
    )


def histories() -> Sequences:
    return Sequences(offsets=np.array([0, 3, 4, 4]), items=np.array([0, 3, 9, 7], np.int32))


@pytest.fixture
def large(monkeypatch) -> None:
    """No catalogue is scored whole."""
    monkeypatch.setattr(scorer, "WHOLE_UP_TO", 0)


def test_similarities_are_those_of_all_pairs_but_for_the_small_ones() -> None:
    whole = np.asarray(sp.csr_array(item_similarity(user_items(), 0.3)).toarray())
    cut = item_similarity(user_items(), 0.3, 10)
    assert isinstance(cut, sp.csr_array)
    assert np.diff(cut.indptr).max() == 10
    kept = cut.toarray()
    assert np.allclose(kept[kept > 0], whole[kept > 0], atol=1e-6)
    assert np.allclose(np.sort(kept, axis=1)[:, -10:], np.sort(whole, axis=1)[:, -10:], atol=1e-6)


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize(("block", "least"), [(N, 0.9999), (40, 0.97), (10, 0.85)])
def test_ease_of_a_block_scores_nearly_as_that_of_all_items(block: int, least: float, monkeypatch) -> None:
    settings = EaseSettings(regularisation=20.0, block=block, most_items=10)
    cut = Ease(fit_data(), settings)
    monkeypatch.setattr(scorer, "WHOLE_UP_TO", N)
    whole = Ease(fit_data(), EaseSettings(regularisation=20.0))
    batch = HistoryBatch(histories(), N)
    expected, scores = whole.score(batch)[0].numpy(), cut.score(batch)[0].numpy()
    for row in range(2):
        assert np.corrcoef(expected[row], scores[row])[0, 1] > least


@pytest.mark.usefixtures("large")
def test_diffusion_goes_on_from_the_items_of_the_largest_values() -> None:
    data, batch = fit_data(), HistoryBatch(histories(), N)
    hidden, where = Hidden(Sequences.none(), N), Looked(np.tile(np.arange(N), (3, 1)), np.arange(2), N)
    hidden = Hidden(Sequences(offsets=np.zeros(4, np.int64), items=np.zeros(0, np.int32)), N)
    diffusion = Diffusion(data)
    for dense, lookup in zip(diffusion.score(batch), diffusion.lookups(batch, hidden), strict=True):
        assert np.allclose(lookup.at(where)[:, :N].numpy(), dense.numpy(), atol=1e-6)
    content, similarity = data.neighbours.squared_cosines, data.item_similarity(0.3)
    exact = (batch.bag(1.0) @ content @ similarity).toarray()
    assert np.corrcoef(exact[0], diffusion.score(batch)[1][0].numpy())[0, 1] > 0.95


@pytest.mark.usefixtures("large")
def test_every_scorer_that_looks_up_tells_what_it_scores() -> None:
    fitted = fit_scorers(fit_data(), SCORERS).scorers
    batch = HistoryBatch(histories(), N)
    none = Hidden(Sequences(offsets=np.zeros(4, np.int64), items=np.zeros(0, np.int32)), N)
    where = Looked(np.tile(np.arange(N), (3, 1)), np.arange(2), N)
    looked = {name: one for name, one in fitted.items() if isinstance(one, scorer.LooksUp)}
    assert {"item_knn", "transition", "diffusion", "content_knn", "ease"} <= set(looked)
    for name, one in looked.items():
        scores = one.score(batch)[one.products :] if isinstance(one, scorer.QueryScorer) else one.score(batch)
        for dense, lookup in zip(scores, one.lookups(batch, none), strict=True):
            assert np.allclose(lookup.at(where)[:, :N].numpy(), dense.numpy(), atol=1e-5), name
