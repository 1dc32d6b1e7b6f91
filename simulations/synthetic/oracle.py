"""The oracle: the true next-item probabilities of the synthetic world, as scores for the usual ranking."""

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Examples, Platform, Sequences
from shared.errors import GraftError
from simulations.synthetic.choice import WINDOW, log_weights
from simulations.synthetic.world import PlatformTruth

_UNOFFERED = -1e9
"""Score of an item that is not offered yet; finite, since a ranking may not take infinities."""


def oracle_scores(truth: PlatformTruth, platform: Platform, examples: Examples) -> NDArray[np.float64]:
    """[N, n] true log-probabilities (up to a constant per row) of the next item, for ``platform``'s rows.

    Ranking unseen items by them is the best that anybody can do in expectation, at every cut-off. Exact where
    preparation has dropped no event of these users; raises GraftError for a platform that is not the truth's.
    """
    items = _rows(platform.item_ids, truth.item_ids, platform.name)
    users = _rows(platform.user_ids, truth.user_ids, platform.name)[examples.users]
    recent = _last_items(examples.histories)
    recent = np.where(recent >= 0, items[recent], -1)
    scores = log_weights(truth, users, recent, truth.times[users, examples.histories.lengths()])[:, items]
    return np.maximum(scores, _UNOFFERED)


def _rows(ids: tuple[str, ...], truth: tuple[str, ...], platform: str) -> NDArray[np.int64]:
    """[n] where each id stands in the truth."""
    known = np.array(truth)
    order = np.argsort(known)
    places = np.minimum(np.searchsorted(known, np.array(ids), sorter=order), len(known) - 1)
    rows = order[places]
    if not np.array_equal(known[rows], np.array(ids)):
        raise GraftError(f"platform {platform!r} has ids that the synthetic world does not know")
    return rows


def _last_items(histories: Sequences) -> NDArray[np.int64]:
    """[N, W] the last items of each history, the last one first, -1 where it is shorter."""
    places = histories.offsets[1:, None] - 1 - np.arange(WINDOW)
    inside = places >= histories.offsets[:-1, None]
    return np.where(inside, histories.items[np.where(inside, places, 0)], -1)
