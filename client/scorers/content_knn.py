"""Content neighbours of the history: cosine to its decayed mean, and a kernel over the nearest items of each item."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from client.features.prepared_platform import NEIGHBOURS, Neighbours
from client.scorers.lookups import Hidden, Lookup
from client.scorers.scorer import Column, FitData, HistoryBatch, Kind, by_decay, product, walked
from shared.system.options import Checked, bounded


@dataclass(frozen=True, kw_only=True)
class ContentKnnSettings(Checked):
    """What may be chosen about it."""

    decays: tuple[float, ...] = bounded((0.0, 0.6, 1.0), least=0, most=1)
    """of a history's items with their age, two columns each"""
    sharpness: float = bounded(12.0, least=0)
    """of the kernel: the larger, the less a neighbour counts beside one that is nearer"""
    neighbours: int = bounded(60, least=1, most=NEIGHBOURS)
    """nearest items of each item that the kernel reaches, of as many as a catalogue holds"""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Cosines, then the kernel's."""
        cosines = by_decay("content-knn", Kind.SIMILARITY, self.decays)
        return (*cosines, *by_decay("content-kernel", Kind.COUNT, self.decays))


DEFAULT = ContentKnnSettings()


class ContentKnn:
    """cos(decayed mean of x_h, x_i) at each decay; Σ_h decay · exp(sharpness (cos(x_h, x_i) − 1)) at the same."""

    searched = False

    def __init__(self, data: FitData, settings: ContentKnnSettings = DEFAULT) -> None:
        self.columns, self.products = settings.columns, len(settings.decays)
        self._decays = settings.decays
        self.vectors = data.features
        self._kernel = kernel_of(data.neighbours, settings)

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """Two columns [B, n] a decay."""
        items = torch.from_numpy(self.vectors)
        return [torch.from_numpy(query) @ items.T for query in self.queries(batch)] + self.rest(batch)

    def queries(self, batch: HistoryBatch) -> list[NDArray[np.float32]]:
        """[B, D] vectors whose products with the items' are the first columns."""
        return [batch.mean(decay, self.vectors) for decay in self._decays]

    def rest(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """The other columns [B, n]."""
        return [product(batch.bag(decay), self._kernel) for decay in self._decays]

    def lookups(self, batch: HistoryBatch, hidden: Hidden) -> list[Lookup]:
        """See ``LooksUp``: those of the kernel, after the products.

        Args:
            batch: B histories, and what scorers share of them.
            hidden: which items may not be recommended to whom.

        Returns:
            One lookup per column after the products.
        """
        return walked(batch, self._decays, self._kernel, hidden)


def kernel_of(neighbours: Neighbours, settings: ContentKnnSettings = DEFAULT) -> sp.csr_array:
    """What each item counts for its nearest others.

    Args:
        neighbours: of a catalogue of n items.
        settings: the kernel's sharpness, and how many others it reaches.

    Returns:
        [n, n] exp(sharpness (cosine − 1)) at the nearest others.
    """

    def weigh(cosines: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(np.exp(settings.sharpness * (cosines - 1)), np.float32)

    return neighbours.graph(weigh, settings.neighbours)
