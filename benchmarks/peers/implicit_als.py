"""The iALS of implicit (Hu, Koren, Volinsky 2008), users folded in by the history that they have at the moment."""

import numpy as np
import torch
from implicit.cpu.als import AlternatingLeastSquares

from benchmarks.peers.time_answer import Peer, Settings, counts_of, grid, items_of, main, over_grid, with_unknown
from benchmarks.peers.time_course import TimeCourse
from client.data.sequences import Sequences
from client.evaluation.ranking import ScoreHistories

FACTORS, REGULARISATIONS, ALPHAS = (16, 32, 64, 128), (0.1, 1.0, 10.0, 50.0), (1.0, 5.0, 20.0)
ITERATIONS = 15


def settings_of(course: TimeCourse) -> list[Settings]:
    """Where users meet an item again, whether it then counts again, too."""
    once = (True, False) if course.repeats else (True,)
    return grid(factors=FACTORS, regularization=REGULARISATIONS, alpha=ALPHAS, once=once)


def fit(course: TimeCourse, events: Sequences, settings: Settings, seed: int) -> ScoreHistories:
    """Item factors of the events; a user's are computed from their history (``recalculate_user``)."""
    n_items, once = course.n_items, settings["once"]
    model_settings = {key: value for key, value in settings.items() if key != "once"}
    model = AlternatingLeastSquares(**model_settings, iterations=ITERATIONS, num_threads=1, random_state=seed)
    model.fit(counts_of(events, n_items, once=once), show_progress=False)
    known = items_of(events, n_items)

    def score(histories: Sequences) -> torch.Tensor:
        users = model.recalculate_user(np.arange(len(histories)), counts_of(histories, n_items, once=once))
        return with_unknown(torch.from_numpy(users @ model.item_factors.T), known)

    return score


PEER = Peer(fit=fit, tune=over_grid(fit, settings_of), packages=("pm-implicit", "scipy"))

if __name__ == "__main__":
    main(PEER)
