"""What a user had before, where items are met again: their own events on an item, fading with time."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch

from client.data.sequences import Sequences
from client.scorers.cooccurrence import csr_of
from client.scorers.lookups import Hidden, Lookup, SparseLookup
from client.scorers.scorer import FitData, HistoryBatch, Kind, by_decay
from shared.system.options import Checked, bounded

_DAY = 86_400.0
_LONG_AGO = 2.0**-10
"""What an event counts whose time is not known."""


@dataclass(frozen=True, kw_only=True)
class RepeatCountsSettings(Checked):
    """What may be chosen about it."""

    half_lives: tuple[float, ...] = bounded((7.0, 30.0, 90.0, 365.0), above=0)
    """days, one column each"""


DEFAULT = RepeatCountsSettings()


class RepeatCounts:
    """Σ 2^(−(r − t) / half-life) over the user's events on the item; r is the time of their last event."""

    def __init__(self, _data: FitData, settings: RepeatCountsSettings = DEFAULT) -> None:
        self._half_lives = settings.half_lives
        self.columns = by_decay("repeat", Kind.COUNT, settings.half_lives)

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """One column [B, n] a half-life."""
        return [torch.from_numpy(bag.toarray()) for bag in self._bags(batch)]

    def lookups(self, batch: HistoryBatch, hidden: Hidden) -> list[Lookup]:
        """See ``LooksUp``.

        Args:
            batch: B histories, and what scorers share of them.
            hidden: which items may not be recommended to whom.

        Returns:
            One lookup per column.
        """
        return [SparseLookup(bag, hidden) for bag in self._bags(batch)]

    def _bags(self, batch: HistoryBatch) -> list[sp.csr_array]:
        days = _days_before_the_last(batch.histories)
        bags = []
        for half_life in self._half_lives:
            weights = np.where(np.isnan(days), _LONG_AGO, np.exp2(-days / half_life)).astype(np.float32)
            bag = csr_of(batch.histories, weights, batch.n_items)
            bag.sum_duplicates()
            bags.append(bag)
        return bags


def _days_before_the_last(histories: Sequences) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """[E] days from each event to its user's last one whose time is known; NaN where an event's is not."""
    return np.asarray((histories.latest[histories.owners()] - histories.clock) / _DAY)
