"""What goes with the basket that is to be completed: pairs of items in one basket, and content of the basket alone."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from client.features.row_matrices import by_row
from client.features.rows import unit_rows
from client.scorers.cooccurrence import item_similarity
from client.scorers.lookups import Bags, Hidden, Lookup
from client.scorers.scorer import Column, FitData, HistoryBatch, Kind, product
from shared.system.options import Checked, bounded


@dataclass(frozen=True, kw_only=True)
class BasketSettings(Checked):
    """What may be chosen about it."""

    shrink: float = bounded(0.3, least=0)
    """added to the norms under a pair's count, which holds back pairs that few baskets tell of"""
    neighbours: float = bounded(0.3, least=0)
    """the same for pairs that users have in common, whose counts are those of ``ItemKnn``"""


DEFAULT = BasketSettings()


class Basket:
    """Over the items h of the basket: Σ_h pairs(h, i), Σ_h sim(h, i), and cos(Σ_h x_h, x_i).

    Pairs are the cosine of co-occurrence in baskets of two items or more, each at length 1, with shrinkage; sim is the
    same of users.
    """

    columns = (
        Column(name="basket-content", kind=Kind.SIMILARITY),
        Column(name="basket-pairs", kind=Kind.COUNT),
        Column(name="basket-knn", kind=Kind.COUNT),
    )
    products = 1
    searched = False

    def __init__(self, data: FitData, settings: BasketSettings = DEFAULT) -> None:
        self.vectors = data.features
        self._pairs = data.statistic("basket_pairs", lambda: item_similarity(data.basket_items, settings.shrink))
        self._similarity = data.item_similarity(settings.neighbours)

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """The columns [B, n]."""
        items = torch.from_numpy(self.vectors)
        return [torch.from_numpy(query) @ items.T for query in self.queries(batch)] + self.rest(batch)

    def queries(self, batch: HistoryBatch) -> list[NDArray[np.float32]]:
        """[B, D] the vector whose products with the items' are the first column."""
        items = np.unique(batch.basket.indices)
        return [unit_rows(batch.basket[:, items] @ self.vectors[items])]

    def rest(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """The other columns [B, n]."""
        return [product(batch.basket, matrix) for matrix in (self._pairs, self._similarity)]

    def lookups(self, batch: HistoryBatch, hidden: Hidden) -> list[Lookup]:
        """See ``LooksUp``: those after the product.

        Args:
            batch: B histories, and what scorers share of them.
            hidden: which items may not be recommended to whom.

        Returns:
            One lookup per column after the product.
        """
        matrices = (by_row(matrix) for matrix in (self._pairs, self._similarity))
        basket = Bags(sparse=[batch.basket], of_one=(batch.basket.indices, batch.basket.data[None]))
        return [lookup for matrix in matrices for lookup in hidden.walked(basket, matrix)]
