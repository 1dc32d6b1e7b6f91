"""How a user of the synthetic world chooses the next item: a softmax over what he has not had and is offered.

log p(i) = popularity_i + taste · topic_i + style taste · style_i
           + transition · (decayed mean of the recent topics) · successors · topic_i
           + complement, where i goes well with the last item                          (less the normalising term)

B histories, n items, K topics, W recent items.
"""

import numpy as np
from numpy.typing import NDArray

from simulations.synthetic.world import Floats, PlatformTruth

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
    wanted = TASTE * truth.topic_tastes[users] + TRANSITION * context @ moves
    scores: Floats = truth.popularity + wanted @ truth.topics.T + STYLE * truth.style_tastes[users] @ truth.styles.T
    _add_complements(scores, truth.complements, recent[:, 0])
    scores[now[:, None] < truth.launches] = -np.inf
    return scores


def _add_complements(scores: Floats, complements: NDArray[np.int64], last: NDArray[np.int64]) -> None:
    rows = np.flatnonzero(last >= 0)
    columns = complements[last[rows]]
    rows = np.broadcast_to(rows[:, None], columns.shape)[columns >= 0]
    scores[rows, columns[columns >= 0]] += COMPLEMENT
