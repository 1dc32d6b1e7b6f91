"""What each event says of the head that serves: how well its list would have fitted, and what entered a history.

N observations, C directions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DIRECTIONS = 6
"""C, of the catalogue's vectors"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Observations:
    """What events said, in the order in which they came."""

    rows: Floats
    """[N, 4 + C] time in seconds since 1970, gain, surprise, fit, and the item's directions"""

    @property
    def times(self) -> Floats:
        """[N] seconds since 1970."""
        return self.rows[:, 0]

    @property
    def gains(self) -> Floats:
        """[N] NDCG@10 of the list for the item, from 0 to 1 (Järvelin, Kekäläinen 2002)."""
        return self.rows[:, 1]

    @property
    def statistics(self) -> dict[str, Floats]:
        """By name what is watched, [N, columns].

        ``hits``: the gain. ``calibration``: −log p of the item, less what the scores expect of it, their entropy; p is
        their softmax over what a list may hold. ``histories``: first moments of what enters histories, and its cosine
        with the history, which stands for the second ones.
        """
        return {"hits": self.rows[:, 1:2], "calibration": self.rows[:, 2:3], "histories": self.rows[:, 3:]}

    def followed_by(self, later: "Observations") -> "Observations":
        """These, then those."""
        return Observations(rows=np.concatenate([self.rows, later.rows]))


NOTHING = Observations(rows=np.zeros((0, 4 + DIRECTIONS)))
