"""The computed scorers and NDCG agree, value by value, with LensKit (2025) on a real folder.

Common ground: LensKit's ``ItemKNNScorer(feedback="implicit")`` is the plain cosine of items' user columns, without
shrinkage and without our scaling of users to length 1. The scaling is a constant, and falls out of a cosine, where
every user has the same number of events; so item-knn is compared on each user's last sixteen training events. EASE,
popularity and NDCG are the same on both sides and are compared on the whole folder.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from lenskit.basic.popularity import PopConfig, PopScorer
from lenskit.data import Dataset, ItemList, RecQuery, from_interactions_df
from lenskit.knn.ease import EASEConfig, EASEScorer
from lenskit.knn.item import ItemKNNConfig, ItemKNNScorer
from lenskit.metrics import NDCG
from lenskit.metrics.ranking import LogRankWeight
from numpy.typing import NDArray

from client.data.folder_options import Preparation
from client.data.held_out import Stage
from client.data.platform import Examples, Platform, examples, training_sequences
from client.data.preparation import prepare
from client.data.sequences import Sequences, select
from client.data.source import read_folder
from client.evaluation.ranking import rank
from client.features.prepared_platform import nearest
from client.scorers.cooccurrence import Matrix, item_similarity
from client.scorers.ease import Ease, EaseSettings
from client.scorers.item_knn import DEFAULT, ItemKnn, ItemKnnSettings
from client.scorers.popularity import Popularity
from client.scorers.scorer import FitData, HistoryBatch

REPOSITORY = Path(__file__).parents[4]
FOLDER = Path(os.environ.get("GRAFT_DATA", REPOSITORY.parent / "shared" / "data")) / "movielens_small"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the folder movielens_small is not here")

LAST = 16


@pytest.fixture(scope="module")
def platform() -> Platform:
    preparation = Preparation(min_rating=4, min_user_events=5, min_item_events=5)
    return prepare(read_folder(FOLDER), preparation, name="movielens_small", seed=0)


@pytest.fixture(scope="module")
def training(platform: Platform) -> Sequences:
    return training_sequences(platform, np.arange(platform.n_users))


@pytest.fixture(scope="module")
def even(training: Sequences) -> Sequences:
    """The last LAST events of every user who has so many."""
    ends = training.offsets[1:][training.lengths() >= LAST]
    rows = ends[:, None] + np.arange(-LAST, 0)
    return Sequences(offsets=np.arange(len(ends) + 1) * LAST, items=training.items[rows].ravel())


def fit_data(sequences: Sequences, platform: Platform) -> FitData:
    features = np.eye(platform.n_items, 8, dtype=np.float32)
    return FitData(sequences=sequences, features=features, neighbours=nearest(features, 2), ordered=True)


def lenskit_data(sequences: Sequences) -> Dataset:
    users = np.repeat(np.arange(len(sequences)), sequences.lengths())
    return from_interactions_df(pd.DataFrame({"user_id": users, "item_id": sequences.items}))


def lenskit_similarity(sequences: Sequences, n_items: int) -> NDArray[np.float32]:
    """[n, n] by item rows; 0 for items that LensKit has not met."""
    knn = ItemKNNScorer(ItemKNNConfig(feedback="implicit"))
    knn.train(lenskit_data(sequences))
    met = knn.items.ids()
    similarity = np.zeros((n_items, n_items), np.float32)
    similarity[np.ix_(met, met)] = knn.sim_matrix.to_scipy().toarray()
    return similarity


def dense(matrix: Matrix) -> NDArray[np.float32]:
    return matrix if isinstance(matrix, np.ndarray) else matrix.toarray()


def lenskit_scores(
    scorer: ItemKNNScorer | EASEScorer, histories: Sequences, n_items: int
) -> Iterator[NDArray[np.float32]]:
    """One row [n] for each history."""
    catalogue = ItemList(item_ids=np.arange(n_items))
    for row in range(len(histories)):
        history = select(histories, np.array([row])).items
        yield scorer(RecQuery(history_items=ItemList(item_ids=history)), catalogue).scores()


def test_item_similarity_without_shrinkage_is_lenskits_cosine(platform: Platform, even: Sequences) -> None:
    ours = dense(item_similarity(fit_data(even, platform).user_items, shrink=0))
    theirs = lenskit_similarity(even, platform.n_items)
    assert (theirs > 0).sum() > 100_000
    assert np.allclose(ours, theirs, atol=1e-5)


def test_shrinkage_scales_lenskits_cosine_as_its_formula_says(platform: Platform, even: Sequences) -> None:
    counts = fit_data(even, platform).popularity
    # C_ii is the item's number of users over the common length, so √(C_ii C_jj) = √(n_i n_j) / LAST
    norms = np.sqrt(np.outer(counts, counts)) / LAST
    expected = lenskit_similarity(even, platform.n_items) * norms / (norms + DEFAULT.shrink)
    assert np.allclose(dense(fit_data(even, platform).item_similarity(DEFAULT.shrink)), expected, atol=1e-5)


def test_item_knn_scores_without_decay_are_lenskits(platform: Platform, even: Sequences) -> None:
    histories = select(even, np.arange(40))
    data = fit_data(even, platform)
    scorer = ItemKnn(data, ItemKnnSettings(shrink=0))
    ours = scorer.score(HistoryBatch(histories, platform.n_items))[1].numpy()
    knn = ItemKNNScorer(ItemKNNConfig(feedback="implicit", max_nbrs=LAST))
    knn.train(lenskit_data(even))
    # LensKit gives an item without a neighbour in the history no score; ours is then 0
    theirs = np.nan_to_num(np.stack(list(lenskit_scores(knn, histories, platform.n_items))))
    assert np.allclose(ours, theirs, atol=1e-5)


def test_ease_weights_are_lenskits(platform: Platform, training: Sequences) -> None:
    one_item = Sequences(offsets=np.arange(platform.n_items + 1), items=np.arange(platform.n_items, dtype=np.int32))
    weights = (
        Ease(fit_data(training, platform), EaseSettings(regularisation=50.0))
        .score(HistoryBatch(one_item, platform.n_items))[0]
        .numpy()
    )
    ease = EASEScorer(EASEConfig(regularization=50.0))
    ease.train(lenskit_data(training))
    met = ease.items.ids()
    assert len(met) > 1_000
    assert np.abs(ease.weights).max() > 0.1
    assert np.allclose(weights[np.ix_(met, met)], ease.weights, atol=1e-4)
    assert np.count_nonzero(weights) == np.count_nonzero(weights[np.ix_(met, met)])


def test_popularity_counts_are_lenskits(platform: Platform, training: Sequences) -> None:
    popular = PopScorer(PopConfig(score="count"))
    popular.train(lenskit_data(training))
    ours = Popularity(fit_data(training, platform)).score(HistoryBatch(select(training, np.array([0])), 0))[0][0]
    theirs = popular(ItemList(item_ids=np.arange(platform.n_items))).scores()
    assert ours.tolist() == np.nan_to_num(theirs).tolist()


def baskets(held_out: Examples) -> list[NDArray[np.int32]]:
    relevant = held_out.relevant
    return np.split(relevant.items, relevant.offsets[1:-1])


def test_ndcg_is_lenskits(platform: Platform, training: Sequences) -> None:
    held_out = examples(platform, Stage.TEST, np.arange(platform.n_users))
    ease = Ease(fit_data(training, platform), EaseSettings(regularisation=50.0))

    def score(histories: Sequences) -> torch.Tensor:
        return ease.score(HistoryBatch(histories, platform.n_items))[0]

    ranking = rank(score, held_out, n_items=platform.n_items, repeats=False)
    # the discount log2(1 + rank); LensKit's default is log2(max(rank, 2))
    measure = NDCG(10, weight=LogRankWeight(offset=1))
    theirs = [
        measure.measure_list(ItemList(item_ids=row, ordered=True), ItemList(item_ids=wanted))
        for row, wanted in zip(ranking.recommended, baskets(held_out), strict=True)
    ]
    assert np.count_nonzero(theirs) > 20
    assert max(map(len, baskets(held_out))) > 1
    assert ranking.ndcg.tolist() == pytest.approx(theirs, abs=1e-6)
