"""The item-knn of implicit: nearest items by cosine of raw, TF-IDF or BM25 weighted counts.

It comes as pm-implicit, the build of it that RecTools needs.
"""

import numpy as np
import torch
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender

from benchmarks.peers.time_answer import Peer, Settings, counts_of, grid, items_of, main, over_grid, with_unknown
from benchmarks.peers.time_course import TimeCourse
from client.data.sequences import Sequences
from client.evaluation.ranking import ScoreHistories

MODELS = {"cosine": CosineRecommender, "tf-idf": TFIDFRecommender, "bm25": BM25Recommender}
NEIGHBOURS = (20, 50, 100, 200, 500)


def settings_of(course: TimeCourse) -> list[Settings]:
    """Where users meet an item again, whether it then counts again, too."""
    return grid(weighting=tuple(MODELS), neighbours=NEIGHBOURS, once=(True, False) if course.repeats else (True,))


def fit(course: TimeCourse, events: Sequences, settings: Settings, _seed: int) -> ScoreHistories:
    """An item's score is the sum of its similarities to the history's items, as implicit recommends."""
    n_items, once = course.n_items, settings["once"]
    model = MODELS[settings["weighting"]](K=settings["neighbours"], num_threads=1)
    model.fit(counts_of(events, n_items, once=once), show_progress=False)
    similarity, known = model.similarity.tocsr(), items_of(events, n_items)

    def score(histories: Sequences) -> torch.Tensor:
        scores = (counts_of(histories, n_items, once=once) @ similarity).toarray()
        return with_unknown(torch.from_numpy(scores.astype(np.float32)), known)

    return score


PEER = Peer(fit=fit, tune=over_grid(fit, settings_of), packages=("pm-implicit", "scipy"))

if __name__ == "__main__":
    main(PEER)
