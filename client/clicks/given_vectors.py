"""How near each candidate is to its history by the vectors that a platform gave its items, whatever space a run reads.

A click head stays on its platform, so that vectors serve it which no other platform shares: of a text model, say.

I impressions, C candidates in all, m shown items, D width of the vectors.
"""

import numpy as np
from numpy.typing import NDArray

from client.data.impressions import Impressions
from client.features.item_features import given_vectors
from client.features.rows import unit_rows

COSINES = ("vectors@mean", "vectors@nearest")
"""cos(mean of the history's vectors, candidate); the largest of cos(x_h, candidate)."""


def given_cosines(impressions: Impressions) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """(``COSINES``, [C, 2]), 0 where the history is empty; (none, [C, 0]) where the platform gave no vectors."""
    if impressions.shown.vectors is None:
        return (), np.zeros((len(impressions.labels), 0), np.float32)
    vectors = given_vectors(impressions.shown)
    cosines = np.zeros((len(impressions.labels), len(COSINES)), np.float32)
    histories, candidates = impressions.histories, impressions.candidates
    for row in range(len(impressions)):
        met = vectors[histories.items[histories.offsets[row] : histories.offsets[row + 1]]]
        span = slice(candidates.offsets[row], candidates.offsets[row + 1])
        if len(met):
            shown = vectors[candidates.items[span]]
            cosines[span, 0] = shown @ unit_rows(met.mean(0, keepdims=True))[0]
            cosines[span, 1] = (shown @ met.T).max(1)
    return COSINES, cosines
