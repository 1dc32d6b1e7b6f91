"""Statistics told from what has changed are those that are counted anew, but for pairs that no row held before."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from client.data.ragged import offsets_of
from client.data.sequences import Sequences, take
from client.features.prepared_platform import nearest
from client.features.rows import unit_rows
from client.scorers import scorer
from client.scorers.cooccurrence import Change
from client.scorers.ease import Ease
from client.scorers.item_knn import ItemKnn
from client.scorers.popularity import Popularity
from client.scorers.scorer import FitData
from client.scorers.transition import LONG, Transition

N, USERS = 60, 200
SCORERS = (Popularity, ItemKnn, Transition, lambda data: Transition(data, LONG, "transition_long"), Ease)


def drawn_events(rng: np.random.Generator) -> Sequences:
    """Some items are popular; users may meet an item again."""
    lengths = rng.integers(0, 9, USERS)
    odds = 1 / (1 + np.arange(N))
    items = rng.choice(N, lengths.sum(), p=odds / odds.sum())
    return Sequences(offsets=offsets_of(lengths), items=items.astype(np.int32))


def earlier(events: Sequences, rng: np.random.Generator) -> tuple[Sequences, np.ndarray]:
    """What was there before: of a third of the users the beginning alone, of some another history, or none.

    With the number of first events that each has in common with now.
    """
    lengths = events.lengths()
    common = np.where(rng.random(USERS) < 1 / 3, rng.integers(0, lengths + 1), lengths)
    begun = take(events, np.arange(USERS), common)
    others = np.where(rng.random(USERS) < 0.1, rng.integers(0, 4, USERS), 0)
    rows = [
        np.append(begun.items[slice(*begun.offsets[u : u + 2])], rng.integers(0, N, others[u])) for u in range(USERS)
    ]
    counts = np.array([len(row) for row in rows])
    return Sequences(offsets=offsets_of(counts), items=np.concatenate(rows).astype(np.int32)), common


def fit_data(events: Sequences) -> FitData:
    features = unit_rows(np.random.default_rng(1).normal(size=(N, 16)).astype(np.float32))
    return FitData(sequences=events, features=features, neighbours=nearest(features), ordered=True)


def counted(data: FitData) -> dict[str, np.ndarray]:
    for make in SCORERS:
        make(data)
    return data.statistics


def change(before: Sequences, after: Sequences, common: np.ndarray, data: FitData) -> Change:
    return Change(before=before, after=after, common=common, statistics=counted(data), n_items=N)


def dense(matrix) -> np.ndarray:
    return matrix.toarray() if isinstance(matrix, sp.csr_array) else np.asarray(matrix)


@pytest.fixture
def cut(monkeypatch) -> None:
    """No catalogue is scored whole; rows hold all that there is."""
    monkeypatch.setattr(scorer, "WHOLE_UP_TO", 0)
    monkeypatch.setattr(scorer, "ROW", N)


@pytest.mark.usefixtures("cut")
@pytest.mark.parametrize("seed", range(8))
def test_what_is_told_from_a_change_is_what_is_counted_anew(seed: int) -> None:
    rng = np.random.default_rng(seed)
    now = drawn_events(rng)
    before, common = earlier(now, rng)
    data = fit_data(now)
    anew = counted(fit_data(now))
    told = counted(replace(data, change=change(before, now, common, fit_data(before))))
    assert told.keys() == anew.keys()
    for name in anew.keys() - {"ease@100"}:
        np.testing.assert_allclose(dense(told[name]), dense(anew[name]), atol=2e-5, err_msg=name)


@pytest.mark.usefixtures("cut")
def test_one_change_after_the_other_is_both_at_once() -> None:
    rng = np.random.default_rng(3)
    now = drawn_events(rng)
    data, lengths = fit_data(take(now, np.arange(USERS), np.zeros(USERS, np.int64))), np.zeros(USERS, np.int64)
    for day in range(1, 8):
        later = np.maximum(lengths, now.lengths() * day // 7)
        before, after = (take(now, np.arange(USERS), until) for until in (lengths, later))
        data, lengths = replace(fit_data(after), change=change(before, after, lengths, data)), later
    anew = counted(fit_data(now))
    for name in anew.keys() - {"ease@100"}:
        np.testing.assert_allclose(dense(counted(data)[name]), dense(anew[name]), atol=5e-5, err_msg=name)


@pytest.mark.usefixtures("cut")
def test_ease_stays_as_it_was() -> None:
    rng = np.random.default_rng(5)
    now = drawn_events(rng)
    before, common = earlier(now, rng)
    known = change(before, now, common, fit_data(before))
    told = counted(replace(fit_data(now), change=known))["ease@100"]
    np.testing.assert_array_equal(dense(told), dense(known.statistics["ease@100"]))


def test_a_pair_beyond_a_row_counts_what_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that were cut hold nearly what they would hold if all was counted anew."""
    monkeypatch.setattr(scorer, "WHOLE_UP_TO", 0)
    monkeypatch.setattr(scorer, "ROW", 12)
    rng = np.random.default_rng(6)
    now = drawn_events(rng)
    common = np.where(rng.random(USERS) < 0.1, np.maximum(now.lengths() - 1, 0), now.lengths())
    before = take(now, np.arange(USERS), common)
    known = change(before, now, common, fit_data(before))
    told = counted(replace(fit_data(now), change=known))
    anew = counted(fit_data(now))
    similarity = told["item_similarity"]
    assert np.diff(similarity.indptr).max() <= 12
    assert 0 < abs(similarity - anew["item_similarity"]).sum() < 0.03 * anew["item_similarity"].sum()


def test_a_catalogue_that_is_scored_whole_is_counted_anew() -> None:
    rng = np.random.default_rng(7)
    now = drawn_events(rng)
    before, common = earlier(now, rng)
    told = counted(replace(fit_data(now), change=change(before, now, common, fit_data(before))))
    anew = counted(fit_data(now))
    for name, matrix in anew.items():
        np.testing.assert_array_equal(dense(told[name]), dense(matrix), err_msg=name)
