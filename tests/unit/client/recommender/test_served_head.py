"""A served head comes back from its record as it was, and its scorers score as freshly fitted ones do."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from client.data.sequences import Sequences
from client.ensemble.cross_fitting import fit_data, fit_on
from client.ensemble.gaps import Gaps
from client.recommender.recommender import ListQuery, Recommender
from client.recommender.served_catalogue import (
    ServedCatalogue,
    ServedUsers,
    matrix_from_arrays,
    matrix_to_arrays,
    texts_from_arrays,
    texts_to_arrays,
)
from client.recommender.served_head import read_served, served_ensembles
from client.recommender.served_parts import ServedParts
from client.scorers.encoder_scorers import KeptEncoder
from client.scorers.scorer import HistoryBatch
from client.scorers.table import SCORERS
from client.store.head_store import HeadStore
from client.training.local_id import LARGE, SMALL
from tests.small_space import SPACE
from tests.unit.client.recommender.served_world import drawn_encoder, drawn_own, served_world
from tests.unit.client.recommender.world import prepared, small_platform


@pytest.fixture(scope="module")
def platform():
    return small_platform()


def test_brings_back_texts_of_any_letters():
    texts = ("", "naïve", "日本", "a\0b", "\udc80")
    assert texts_from_arrays("t", texts_to_arrays("t", texts)) == texts
    assert texts_from_arrays("t", texts_to_arrays("t", ())) == ()


def test_brings_back_sparse_and_dense_matrices():
    dense = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(matrix_from_arrays("m", matrix_to_arrays("m", dense)), dense)
    found = matrix_from_arrays("m", matrix_to_arrays("m", sp.csr_array(dense)))
    assert isinstance(found, sp.csr_array)
    np.testing.assert_array_equal(found.toarray(), dense)


def test_brings_back_catalogue_and_users(platform):
    whole = prepared(platform)
    served = ServedCatalogue.from_arrays(ServedCatalogue.of(whole).to_arrays())
    assert served.item_ids == platform.item_ids
    assert served.texts == platform.texts
    assert served.categories is None
    np.testing.assert_array_equal(served.catalogue.neighbours.items, whole.catalogue.neighbours.items)
    users = ServedUsers.from_arrays(ServedUsers(user_ids=platform.user_ids, sequences=platform.sequences).to_arrays())
    assert users.user_ids == platform.user_ids
    np.testing.assert_array_equal(users.sequences.items, platform.sequences.items)


@pytest.mark.parametrize("preset", [SMALL, LARGE])
def test_brings_back_trained_parts_that_score_alike(platform, preset):
    parts = ServedParts(
        encoders={"received": KeptEncoder(encoder=drawn_encoder(1))}, own=drawn_own(platform.n_items, preset)
    )
    again = ServedParts.from_record(*parts.to_record(), SPACE)
    batch = HistoryBatch(some_histories(), platform.n_items)
    features = prepared(platform).features
    scorers, found = parts.scorers(features), again.scorers(features)
    names = [column.name for scorer in found for column in scorer.columns]
    assert names == ["own:linear", "own:sequence", "own-ids:sequence", "received:linear", "received:sequence"]
    for one, other in zip(scorers, found, strict=True):
        assert torch.equal(one.score(batch)[0], other.score(batch)[0])


def test_keeps_only_parts_that_have_a_column_of_weight(platform):
    parts = ServedParts(encoders={"received": KeptEncoder(encoder=drawn_encoder(1))}, own=drawn_own(platform.n_items))
    received, own = parts.only({"received:linear"}), parts.only({"own-ids:sequence"})
    assert (received.encoders, received.own) == (parts.encoders, None)
    assert (own.encoders, own.own) == ({}, parts.own)


def test_counts_nothing_again_where_statistics_are_given(platform):
    fitted = fit_on(prepared(platform), platform.training_users)
    assert set(fitted.statistics) == {"popularity", "item_similarity", "transition", "ease@100"}
    nobody = fit_on_nobody(platform, fitted.statistics)
    batch = HistoryBatch(some_histories(), platform.n_items)
    for name, scorer in fitted.scorers.items():
        for one, other in zip(scorer.score(batch), nobody[name].score(batch), strict=True):
            assert torch.equal(one, other)


def fit_on_nobody(platform, statistics):
    data = replace(fit_data(prepared(platform), np.zeros(0, np.int64)), statistics=dict(statistics))
    return {name: build(data) for name, (build, _) in SCORERS.items()}


def some_histories():
    return Sequences(offsets=np.array([0, 3, 3, 4]), items=np.array([5, 6, 7, 30], np.int32))


def test_comes_back_from_the_head_store_as_it_was(tmp_path):
    served, store = served_world(), HeadStore(tmp_path)
    served.write(store)
    again = read_served(store)
    assert (again.head.names, again.computed, again.popularity) == (
        served.head.names,
        served.computed,
        served.popularity,
    )
    first, second = (Recommender.of(one) for one in (served, again))
    history = first.history_of("u5")
    assert first.recommend(history, ListQuery(k=5)) == second.recommend(history, ListQuery(k=5))


def test_weights_that_shift_come_back_with_their_gaps(tmp_path):
    served, store = served_world(timed=True), HeadStore(tmp_path)
    head = replace(
        served.head, weights=np.arange(3.0)[:, None] + np.zeros(len(served.head.names)), gaps=Gaps(edges=(60.0,))
    )
    replace(served, head=head).write(store)
    again = read_served(store)
    assert again.head.gaps == head.gaps
    np.testing.assert_array_equal(again.head.weights, head.weights)
    assert served_ensembles(again).whole.ensemble.gaps == head.gaps
