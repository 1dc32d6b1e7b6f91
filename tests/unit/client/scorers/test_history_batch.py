"""What a batch makes once of its histories."""

import numpy as np

from client.scorers.scorer import HistoryBatch
from tests.unit.client.training.world import ragged

FEATURES = np.random.default_rng(3).normal(size=(9, 4)).astype(np.float32)
FEATURES /= np.linalg.norm(FEATURES, axis=1, keepdims=True)


def test_reads_a_history_as_its_decayed_mean() -> None:
    found = HistoryBatch(ragged([[2, 5], [7], []]), 9).mean(0.6, FEATURES)
    expected = 0.6 * FEATURES[2] + FEATURES[5]
    assert np.allclose(found[0], expected / np.linalg.norm(expected), atol=1e-6)
    assert np.allclose(found[1], FEATURES[7], atol=1e-6)
    assert not found[2].any()


def test_reads_only_the_last_item_at_decay_zero() -> None:
    assert np.allclose(HistoryBatch(ragged([[2, 5, 8]]), 9).mean(0.0, FEATURES), FEATURES[[8]], atol=1e-6)


def test_makes_the_means_of_each_catalogue_and_decay_once() -> None:
    batch = HistoryBatch(ragged([[2, 5], [7]]), 9)
    assert batch.mean(0.6, FEATURES) is batch.mean(0.6, FEATURES)
    assert not np.allclose(batch.mean(0.6, FEATURES), batch.mean(1.0, FEATURES))
    assert not np.allclose(batch.mean(0.6, FEATURES), batch.mean(0.6, FEATURES[::-1].copy()))
