"""One step of diffusion between content and co-occurrence, in both orders, through the 30 nearest items by cos²."""

from dataclasses import dataclass
from functools import cached_property

import scipy.sparse as sp
import torch

from client.features.row_matrices import by_row
from client.features.rows import largest
from client.scorers.lookups import DenseLookup, Hidden, Lookup
from client.scorers.scorer import FitData, HistoryBatch, Kind, by_decay, product
from shared.system.options import Checked, bounded


@dataclass(frozen=True, kw_only=True)
class DiffusionSettings(Checked):
    """What may be chosen about it."""

    decays: tuple[float, ...] = bounded((0.6, 1.0), least=0, most=1)
    """of a history's items with their age, two columns each"""
    shrink: float = bounded(0.3, least=0)
    """added to the norms under a co-occurrence, which holds back pairs that few users tell of"""
    steps: int = bounded(64, least=1)
    """items from which the second step goes on, those of the largest values; in a catalogue that is not scored whole"""


DEFAULT = DiffusionSettings()


class Diffusion:
    """bag · N · S (content, then co-occurrence) and bag · S · N (the other way round)."""

    def __init__(self, data: FitData, settings: DiffusionSettings = DEFAULT) -> None:
        self._decays = settings.decays
        outward = by_decay("diffusion-out", Kind.COUNT, settings.decays)
        self.columns = (*outward, *by_decay("diffusion-in", Kind.COUNT, settings.decays))
        self._similarity = data.item_similarity(settings.shrink)
        self._content = data.neighbours.squared_cosines
        self._row = data.row
        self._steps = settings.steps

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """Two columns [B, n] a decay."""
        if self._row is not None:
            return [torch.from_numpy(scores.toarray()) for scores in self._walks(batch)]
        bags = [batch.bag(decay) for decay in self._decays]
        outward = [product(bag @ self._content, self._similarity) for bag in bags]
        inward = [batch.walk(decay, self._similarity) for decay in self._decays]
        return outward + [torch.from_numpy((self._content_of_target @ scores.numpy().T).T) for scores in inward]

    def lookups(self, batch: HistoryBatch, hidden: Hidden) -> list[Lookup]:
        """See ``LooksUp``.

        Args:
            batch: B histories, and what scorers share of them.
            hidden: which items may not be recommended to whom.

        Returns:
            One lookup per column.
        """
        if self._row is None:
            return [DenseLookup(scores, hidden) for scores in self.score(batch)]
        bags, similarity = batch.bags(self._decays), by_row(self._similarity)
        outward = hidden.walked_on(bags, self._content, similarity, self._steps)
        return outward + hidden.walked_on(bags, similarity, self._content, self._steps)

    @cached_property
    def _content_of_target(self) -> sp.csr_array:
        return sp.csr_array(self._content.T)

    def _walks(self, batch: HistoryBatch) -> list[sp.csr_array]:
        """[B, n] for each column; the second step goes on from the items of the largest values alone."""
        bags = [batch.bag(decay) for decay in self._decays]
        content, similarity = self._content, sp.csr_array(self._similarity)
        outward = [largest(bag @ content, self._steps) @ similarity for bag in bags]
        return outward + [largest(bag @ similarity, self._steps) @ content for bag in bags]
