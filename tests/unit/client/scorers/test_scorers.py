"""The computed scorers: properties by hand, and agreement with an independent library."""

import numpy as np
import scipy.sparse as sp
import torch

from client.data.platform import training_sequences
from client.data.sequences import Sequences
from client.scorers.cooccurrence import item_similarity
from client.scorers.ease import Ease, EaseSettings
from client.scorers.scorer import FitData, HistoryBatch
from client.scorers.transition import transition_counts
from tests.unit.client.recommender.world import N_ITEMS, prepared, small_platform


def _data() -> FitData:
    platform = small_platform()
    made = prepared(platform).catalogue
    return FitData(
        sequences=training_sequences(platform, platform.training_users),
        features=made.features,
        neighbours=made.neighbours,
        ordered=True,
    )


def test_weighs_a_history_by_decay_to_the_power_of_age() -> None:
    histories = Sequences(offsets=np.array([0, 3, 4]), items=np.array([1, 2, 1, 0], np.int32))
    bag = HistoryBatch(histories, 3).bag(0.5).toarray()
    assert bag.tolist() == [[0.0, 0.25 + 1.0, 0.5], [1.0, 0.0, 0.0]]


def test_keeps_only_the_last_item_at_decay_0_and_leaves_the_histories_alone() -> None:
    histories = Sequences(offsets=np.array([0, 3]), items=np.array([1, 2, 0], np.int32))
    batch = HistoryBatch(histories, 3)
    assert batch.bag(0.0).toarray().tolist() == [[1.0, 0.0, 0.0]]
    assert histories.offsets.tolist() == [0, 3]


def test_counts_transitions_by_lag() -> None:
    sequences = Sequences(offsets=np.array([0, 3, 5]), items=np.array([0, 1, 2, 2, 0], np.int32))
    expected = [[0, 1, 0.5], [0, 0, 1], [1, 0, 0]]
    assert transition_counts(sequences, 3).toarray().tolist() == expected


def test_item_similarity_is_the_cosine_of_user_normalised_columns() -> None:
    users = sp.csr_array(np.array([[1, 1, 0], [1, 0, 1], [1, 1, 1]], np.float32))
    scaled = users.toarray() / np.sqrt(users.toarray().sum(1, keepdims=True))
    norms = np.linalg.norm(scaled, axis=0)
    expected = scaled.T @ scaled / (np.outer(norms, norms) + 0.3)
    np.fill_diagonal(expected, 0)
    found = item_similarity(users, 0.3)
    assert np.allclose(np.asarray(found.todense() if sp.issparse(found) else found), expected, atol=1e-6)


def test_ease_solves_its_constrained_least_squares() -> None:
    data = _data()
    dense = data.user_items.toarray().astype(np.float64)
    inverse = np.linalg.inv(dense.T @ dense + 5.0 * np.eye(N_ITEMS))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0)
    one_item = Sequences(offsets=np.arange(N_ITEMS + 1), items=np.arange(N_ITEMS, dtype=np.int32))
    found = Ease(data, EaseSettings(regularisation=5.0)).score(HistoryBatch(one_item, N_ITEMS))[0]
    assert torch.allclose(found.double(), torch.from_numpy(expected), atol=1e-4)
