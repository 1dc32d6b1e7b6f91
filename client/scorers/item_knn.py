"""Item neighbours by shared users: cosine of user-normalised co-occurrence with shrinkage (Deshpande, Karypis 2004)."""

from dataclasses import dataclass

import torch

from client.scorers.lookups import Hidden, Lookup
from client.scorers.scorer import Column, FitData, HistoryBatch, Kind, by_decay, walked
from shared.system.options import Checked, bounded


@dataclass(frozen=True, kw_only=True)
class ItemKnnSettings(Checked):
    """What may be chosen about it."""

    decays: tuple[float, ...] = bounded((0.6, 1.0), least=0, most=1)
    """of a history's items with their age, one column each"""
    shrink: float = bounded(0.3, least=0)
    """added to the norms under a co-occurrence, which holds back pairs that few users tell of"""

    @property
    def columns(self) -> tuple[Column, ...]:
        """One a decay."""
        return by_decay("item-knn", Kind.COUNT, self.decays)


DEFAULT = ItemKnnSettings()


class ItemKnn:
    """Σ_h decay · sim(h, i) over the history."""

    def __init__(self, data: FitData, settings: ItemKnnSettings = DEFAULT) -> None:
        self.columns, self._decays = settings.columns, settings.decays
        self._similarity = data.item_similarity(settings.shrink)

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """One column [B, n] a decay."""
        return [batch.walk(decay, self._similarity) for decay in self._decays]

    def lookups(self, batch: HistoryBatch, hidden: Hidden) -> list[Lookup]:
        """See ``LooksUp``.

        Args:
            batch: B histories, and what scorers share of them.
            hidden: which items may not be recommended to whom.

        Returns:
            One lookup per column.
        """
        return walked(batch, self._decays, self._similarity, hidden)
