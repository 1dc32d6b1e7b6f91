"""Content under the platform's own idf."""

import numpy as np
import pytest
from numpy.typing import NDArray

from client.data.sequences import Sequences
from client.features import hashing
from client.features.hashing import gram_cosines, local_grams
from client.features.prepared_platform import nearest
from client.scorers.content_idf import ContentIdf
from client.scorers.scorer import FitData, HistoryBatch

TEXTS = ("red wooden train", "blue wooden train", "senate budget bill", "")


def columns_of(histories: Sequences, cosines: NDArray[np.float32] | None = None) -> list[NDArray[np.float32]]:
    """Two [B, n]."""
    features = np.eye(len(TEXTS), dtype=np.float32)
    data = FitData(
        sequences=histories,
        features=features,
        neighbours=nearest(features),
        ordered=True,
        grams=local_grams(TEXTS),
        gram_cosines=cosines,
    )
    return [column.numpy() for column in ContentIdf(data).score(HistoryBatch(histories, len(TEXTS)))]


def scored(items: list[int]) -> list[NDArray[np.float32]]:
    history = Sequences(offsets=np.array([0, len(items)]), items=np.array(items, np.int32))
    return [column[0] for column in columns_of(history)]


def test_scores_the_cosine_to_the_only_item_of_a_history() -> None:
    grams = local_grams(TEXTS)
    expected = (grams @ grams.T).toarray()[0]
    assert scored([0])[0] == pytest.approx(expected, abs=1e-6)


def test_weighs_the_last_item_more_where_it_decays() -> None:
    decayed, even = scored([2, 0])
    assert decayed[0] > decayed[2]
    assert even[0] == pytest.approx(even[2], abs=1e-6)


def test_gives_zero_to_a_history_without_words() -> None:
    assert [column.tolist() for column in scored([3])] == [[0.0] * 4] * 2


def test_scores_many_histories_as_it_scores_each() -> None:
    histories = Sequences(offsets=np.arange(0, 21, 2), items=(np.arange(20) ** 2 % len(TEXTS)).astype(np.int32))
    together = columns_of(histories)
    for row in range(len(histories)):
        alone = scored(histories.items[2 * row : 2 * row + 2].tolist())
        for many, one in zip(together, alone, strict=True):
            assert many[row] == pytest.approx(one, abs=1e-6)


def test_scores_by_cosines_of_all_pairs_as_by_grams() -> None:
    rng = np.random.default_rng(0)
    histories = Sequences(offsets=np.arange(0, 61, 3), items=rng.integers(0, len(TEXTS), 60).astype(np.int32))
    for by_pair, by_gram in zip(columns_of(histories, gram_cosines(TEXTS)), columns_of(histories), strict=True):
        assert by_pair == pytest.approx(by_gram, abs=1e-6)


def test_cosines_of_a_large_catalogue_are_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "_COSINES_UP_TO", 1)
    assert gram_cosines(("no", "other", "test", "asked", "for", "these")) is None
