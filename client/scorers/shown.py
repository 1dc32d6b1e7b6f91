"""What is shown lately, clicked or not: on a site whose pages change by the hour, what can be clicked at all."""

import numpy as np
import torch
from numpy.typing import NDArray

from client.scorers.fading import Fading, in_words
from client.scorers.lookups import Hidden, Lookup
from client.scorers.recent import DEFAULT, RecentSettings, best_half_lives
from client.scorers.scorer import Column, FitData, HistoryBatch, Kind
from client.scorers.shared_scores import lookups_of_all

NAME = "shown"
_AT = 3
"""Half-lives: the one that foretells best what is met, and its neighbours."""


class Shown:
    """Counts as of the moment of how often an item was shown, at three half-lives."""

    def __init__(self, data: FitData, settings: RecentSettings = DEFAULT) -> None:
        shown, n_items = data.shown, data.n_items
        lives = shown.once(NAME, lambda: best_half_lives(shown, data.log.to_train_on, n_items, settings)[:_AT])
        self._fading = Fading(data, NAME, shown, lives)
        self.columns = tuple(
            Column(name=f"shown@{in_words(half_life)}", kind=Kind.COUNT) for half_life in self._fading.half_lives
        )

    def shown(self, items: NDArray[np.int32], times: NDArray[np.float64]) -> None:
        """See ``CountsShown``.

        Args:
            items: [E] rows of the catalogue.
            times: [E] seconds since 1970, in any order.
        """
        self._fading.met(items, times)

    def carry_on(self, before: "Shown") -> None:
        """See ``CountsShown``."""
        self._fading.carry_on(before._fading)

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """One column [B, n] a half-life."""
        return self._fading.columns(batch, _columns)

    def lookups(self, batch: HistoryBatch, hidden: Hidden) -> list[Lookup]:
        """See ``LooksUp``.

        Args:
            batch: B histories, and what scorers share of them.
            hidden: which items may not be recommended to whom.

        Returns:
            One lookup per column.
        """
        return lookups_of_all(self, batch, hidden, lambda: self._fading.shared(_columns))


def _columns(counts: NDArray[np.float32]) -> list[torch.Tensor]:
    """From counts [H, B, n]."""
    return [torch.from_numpy(column) for column in counts]
