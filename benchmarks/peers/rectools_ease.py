"""The EASE of RecTools (Steck, WWW 2019), asked by the history that a user has at the moment."""

import numpy as np
import pandas as pd
import torch
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import EASEModel

from benchmarks.peers.time_answer import Peer, Settings, counts_of, grid, main, over_grid
from benchmarks.peers.time_course import TimeCourse
from client.data.sequences import Sequences
from client.evaluation.ranking import ScoreHistories

REGULARISATIONS = (10.0, 50.0, 200.0, 500.0, 1_000.0, 3_000.0)


def settings_of(course: TimeCourse) -> list[Settings]:
    """Where users meet an item again, whether it then counts again, too."""
    return grid(regularization=REGULARISATIONS, once=(True, False) if course.repeats else (True,))


def fit(course: TimeCourse, events: Sequences, settings: Settings, _seed: int) -> ScoreHistories:
    """An item's score is the sum of its weights from the history's items, as RecTools recommends."""
    n_items, once = course.n_items, settings["once"]
    dataset = _dataset(events, n_items, once=once)
    weight = EASEModel(regularization=settings["regularization"]).fit(dataset).weight
    known = dataset.item_id_map.get_external_sorted_by_internal().astype(np.int64)

    def score(histories: Sequences) -> torch.Tensor:
        scores = np.full((len(histories), n_items), np.nan, np.float32)
        scores[:, known] = counts_of(histories, n_items, once=once)[:, known] @ weight
        return torch.from_numpy(scores)

    return score


def _dataset(events: Sequences, n_items: int, *, once: bool) -> Dataset:
    counts = counts_of(events, n_items, once=once).tocoo()
    rows = {Columns.User: counts.row, Columns.Item: counts.col, Columns.Weight: counts.data}
    return Dataset.construct(pd.DataFrame({**rows, Columns.Datetime: pd.Timestamp("2000-01-01")}))


PEER = Peer(fit=fit, tune=over_grid(fit, settings_of), packages=("rectools", "scipy"))

if __name__ == "__main__":
    main(PEER)
