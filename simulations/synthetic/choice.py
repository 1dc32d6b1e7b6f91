"""How a user of the synthetic world chooses the next item: a softmax over what they have not had and are offered.

log p(i) = popularity_i + taste · topic_i + style taste · style_i
           + transition · (decayed mean of the recent topics) · successors · topic_i
           + complement, where i goes well with the last item
           + weekend · topic_i, on Saturdays and Sundays
           − what i has lost since its launch                                          (less the normalising term)

The items of one visit are drawn one after the other from the probabilities that hold when it begins. The oracle is
these true probabilities as scores for the usual ranking. B histories, n items, K topics, W recent items.
"""

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Examples, Platform
from client.data.sequences import Sequences
from shared.errors import GraftError
from simulations.synthetic.world import DAY, WEEK, Floats, PlatformTruth

TASTE = 3.0
STYLE = 3.0
TRANSITION = 7.0
COMPLEMENT = 2.5
SAME_TOPIC = 0.6
"""The pull of staying with a recent topic, as a part of that of moving on to a successor."""
WINDOW = 4
"""Recent items that matter."""
DECAY = 0.5


def log_weights(
    truth: PlatformTruth, users: NDArray[np.int64], recent: NDArray[np.int64], now: NDArray[np.int64]
) -> Floats:
    """[B, n] log p up to a constant per row; -inf for what is not yet offered. Seen items are the caller's.

    Args:
        truth: the platform.
        users: [B] user rows.
        recent: [B, W] item rows, the last one first, -1 where the history is shorter.
        now: [B] when the choice is made, in seconds.
    """
    decays = np.where(recent >= 0, DECAY ** np.arange(WINDOW), 0.0)
    decays /= np.maximum(decays.sum(axis=1, keepdims=True), 1e-12)
    context = np.einsum("bw,bwk->bk", decays, truth.topics[recent])
    moves = truth.successors + SAME_TOPIC * np.eye(len(truth.successors))
    topic_preferences = TASTE * truth.topic_tastes[users] + TRANSITION * context @ moves
    scores: Floats = (
        truth.popularity + topic_preferences @ truth.topics.T + STYLE * truth.style_tastes[users] @ truth.styles.T
    )
    _add_complements(scores, truth.complements, recent[:, 0])
    scores += _weekends(now)[:, None] * (truth.topics @ truth.weekend)
    scores -= np.clip(truth.fading * (now[:, None] - truth.launches), 0, truth.least)
    scores[now[:, None] < truth.launches] = -np.inf
    return scores


def _add_complements(scores: Floats, complements: NDArray[np.int64], last: NDArray[np.int64]) -> None:
    rows = np.flatnonzero(last >= 0)
    columns = complements[last[rows]]
    rows = np.broadcast_to(rows[:, None], columns.shape)[columns >= 0]
    scores[rows, columns[columns >= 0]] += COMPLEMENT


def _weekends(now: NDArray[np.int64]) -> NDArray[np.bool_]:
    """[B] whether a time is on the last two days of a week."""
    return now % WEEK >= 5 * DAY


_UNOFFERED = -1e9
"""Score of an item that is not offered yet; finite, since a ranking may not take infinities."""


def oracle_scores(truth: PlatformTruth, platform: Platform, examples: Examples) -> NDArray[np.float64]:
    """True log-probabilities (up to a constant per row) of the next item.

    Ranking unseen items by them is the best that anybody can do in expectation, at every cut-off. Exact where
    preparation has dropped no event of these users.

    Args:
        truth: of the platform.
        platform: as it was prepared, whose rows of users and items are scored.
        examples: [N] histories.

    Returns:
        [N, n] in nats; a large negative number for what is not yet offered.

    Raises:
        GraftError: if the platform is not the truth's.
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
