"""The ItemKNN of LensKit for implicit feedback: an item's score is the sum of its similarities to a history's items."""

import numpy as np
import pandas as pd
import torch
from lenskit.data import from_interactions_df
from lenskit.knn import ItemKNNScorer

from benchmarks.peers.course import Course
from benchmarks.peers.time_answer import Settings, counts_of
from client.data.sequences import Sequences
from client.evaluation.ranking import ScoreHistories


def fit(course: Course, events: Sequences, settings: Settings, _seed: int) -> ScoreHistories:
    """Fit, with ``neighbours`` of each item kept; items without events rank last.

    Args:
        course: how many items there are.
        events: what is fitted on.
        settings: ``neighbours``.
        _seed: nothing is drawn.

    Returns:
        What scores histories.
    """
    users = np.repeat(np.arange(len(events)), events.lengths())
    pairs = pd.DataFrame({"user_id": users, "item_id": events.items}).drop_duplicates()
    scorer = ItemKNNScorer(feedback="implicit", save_nbrs=settings["neighbours"], max_nbrs=settings["neighbours"])
    scorer.train(from_interactions_df(pairs))
    similarity, known = scorer.sim_matrix.to_scipy().tocsr(), scorer.items.ids().astype(np.int64)

    def score(histories: Sequences) -> torch.Tensor:
        scores = np.full((len(histories), course.n_items), np.nan, np.float32)
        scores[:, known] = (counts_of(histories, course.n_items, once=True)[:, known] @ similarity).toarray()
        return torch.from_numpy(scores)

    return score
