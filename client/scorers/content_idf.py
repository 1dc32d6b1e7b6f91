"""Content neighbours of the history in the platform's own text space: grams under a local idf, unprojected."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from client.features.rows import unit_sparse_rows
from client.scorers.lookups import Hidden, Lookup
from client.scorers.scorer import FitData, HistoryBatch, Kind, by_decay, product
from shared.system.options import Checked, bounded


@dataclass(frozen=True, kw_only=True)
class ContentIdfSettings(Checked):
    """What may be chosen about it."""

    decays: tuple[float, ...] = bounded((0.6, 1.0), least=0, most=1)
    """of a history's items with their age, one column each"""
    few: int = bounded(8, least=0)
    """queries up to which one dense pass over the items of their grams beats a sparse product (2: 1.4 times as fast)"""


DEFAULT = ContentIdfSettings()


class ContentIdf:
    """cos(decayed mean of g_h, g_i), where g are the catalogue's grams of length 1."""

    def __init__(self, data: FitData, settings: ContentIdfSettings = DEFAULT) -> None:
        self.columns = by_decay("content-idf", Kind.SIMILARITY, settings.decays)
        self._settings = settings
        self._grams = data.grams
        self._cosines = data.gram_cosines

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """One column [B, n] a decay."""
        bags = [batch.bag(decay) for decay in self._settings.decays]
        if self._cosines is not None and len(batch) > self._settings.few:
            return [_unit_products(bag, product(bag, self._cosines)) for bag in bags]
        queries = unit_sparse_rows(sp.vstack([bag @ self._grams for bag in bags], format="csr"))
        return list(torch.from_numpy(self._products(queries)).view(len(bags), len(batch), -1))

    def lookups(self, batch: HistoryBatch, hidden: Hidden) -> list[Lookup]:
        """See ``LooksUp``.

        Args:
            batch: B histories, and what scorers share of them.
            hidden: which items may not be recommended to whom.

        Returns:
            One lookup per column.
        """
        return hidden.gram_products(batch.bags(self._settings.decays), self._grams)

    @cached_property
    def _items_of_gram(self) -> sp.csr_array:
        return sp.csr_array(self._grams.T)

    def _products(self, queries: sp.csr_array) -> NDArray[np.float32]:
        """[Q, n]; for a few queries the items of their grams are read once for all of them, and added up in place."""
        count = queries.shape[0]
        if count > self._settings.few:
            return np.asarray((self._grams @ np.ascontiguousarray(queries.T.toarray())).T, np.float32)
        grams, places = np.unique(queries.indices, return_inverse=True)
        weights = np.zeros((count, len(grams)), np.float32)
        weights[np.repeat(np.arange(count), np.diff(queries.indptr)), places] = queries.data
        items = self._items_of_gram[grams].T
        return np.stack([items @ row for row in weights])


def _unit_products(bag: sp.csr_array, products: torch.Tensor) -> torch.Tensor:
    """[B, n] cosines from products of the bags' sums of vectors; at a bag's own items they tell its squared length."""
    owners = np.repeat(np.arange(bag.shape[0]), np.diff(bag.indptr))
    squares = np.bincount(owners, bag.data * products.numpy()[owners, bag.indices], minlength=bag.shape[0])
    lengths = np.sqrt(np.maximum(squares, np.finfo(np.float32).tiny)).astype(np.float32)
    return products / torch.from_numpy(lengths)[:, None]
