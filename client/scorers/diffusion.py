"""One step of diffusion between content and co-occurrence, in both orders, through the 30 nearest items by cos²."""

from dataclasses import dataclass

import torch

from client.scorers.scorer import FitData, HistoryBatch, Kind, by_decay, product
from shared.system.options import Checked, bounded


@dataclass(frozen=True, kw_only=True)
class DiffusionSettings(Checked):
    """What may be chosen about it."""

    decays: tuple[float, ...] = bounded((0.6, 1.0), least=0, most=1)
    """of a history's items with their age, two columns each"""
    shrink: float = bounded(0.3, least=0)
    """added to the norms under a co-occurrence, which holds back pairs that few users tell of"""


DEFAULT = DiffusionSettings()


class Diffusion:
    """bag · N · S (content, then co-occurrence) and bag · S · N (the other way round)."""

    def __init__(self, data: FitData, settings: DiffusionSettings = DEFAULT) -> None:
        self._decays = settings.decays
        outward = by_decay("diffusion-out", Kind.COUNT, settings.decays)
        self.columns = (*outward, *by_decay("diffusion-in", Kind.COUNT, settings.decays))
        self._similarity = data.item_similarity(settings.shrink)
        self._content = data.neighbours.squared_cosines
        self._content_of_target = self._content.T.tocsr()

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """Two columns [B, n] a decay."""
        bags = [batch.bag(decay) for decay in self._decays]
        outward = [product(bag @ self._content, self._similarity) for bag in bags]
        inward = [batch.walk(decay, self._similarity) for decay in self._decays]
        return outward + [torch.from_numpy((self._content_of_target @ scores.numpy().T).T) for scores in inward]
