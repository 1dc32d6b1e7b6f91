"""A scorer of one's own: RP3beta, a random walk item → user → item that holds popular items back.

Paudel, Christoffel, Newell, Bernstein: Updatable, Accurate, Diverse, and Scalable Recommendations (2016).

    graft-sim run --plugin examples/plugins/rp3beta.py --methods stack,local
"""

import numpy as np
import scipy.sparse as sp
import torch

from client.scorers.scorer import Column, FitData, HistoryBatch, Kind

ALPHA, BETA = 1.0, 0.4
DECAY = 0.6


class RP3Beta:
    """Σ_h decay^age · W_hi with W = (P_iu^α P_ui^α) / popularity^β, 0 on the diagonal."""

    columns = (Column(name="rp3beta", kind=Kind.COUNT),)

    def __init__(self, data: FitData) -> None:
        met = data.user_items  # [U, n], 1 where a user met an item
        lengths = np.maximum(met.sum(axis=1), 1)
        holders = np.maximum(data.popularity, 1)
        to_items = sp.csr_array(met * (1 / lengths)[:, None]).power(ALPHA)
        to_users = sp.csr_array(met.T * (1 / holders)[:, None]).power(ALPHA)
        walk = sp.csr_array(to_users @ to_items)
        walk.setdiag(0)
        self._walk = sp.csr_array(walk * (holders**-BETA)[None, :])

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """One column [B, n]."""
        return [torch.from_numpy((batch.bag(DECAY) @ self._walk).toarray().astype(np.float32))]


SCORERS = {"rp3beta": RP3Beta}
