"""What a scorer is: fitted on a platform's training events, it scores the catalogue for a batch of histories."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch.nn import functional

from client.data.event_log import EventLog
from client.data.held_out import baskets
from client.data.ragged import stretches
from client.data.sequences import Sequences, in_basket, part
from client.features.prepared_platform import Neighbours
from client.features.rows import unit_rows
from client.scorers.cooccurrence import Change, Matrix, csr_of, item_similarity, similarity_after, user_items_of
from client.scorers.lookups import Bags, DenseLookup, Hidden, Lookup

TABLE = "table."
"""What the name of a statistic begins with that is not of items."""

WHOLE_UP_TO = 16_000
"""Items up to which a catalogue is scored whole, and every pair of items that occurs is kept."""
ROW = 200
"""Of a larger catalogue, items that an item's row of a matrix holds: those of the largest values."""


class Kind(StrEnum):
    """How a column's raw scores are turned into probabilities (client/ensemble/calibration.py)."""

    COUNT = "count"
    """never negative, 0 means unseen"""
    SIMILARITY = "similarity"
    """any real number, higher is better"""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One array of scores that a scorer yields; a scorer has one column per decay, say."""

    name: str
    kind: Kind


def by_decay(name: str, kind: Kind, decays: Sequence[float]) -> tuple[Column, ...]:
    """The columns ``name@decay``.

    Args:
        name: the scorer's.
        kind: how the raw scores of all of them become probabilities.
        decays: one column each; the decay stands in the name in its shortest form.

    Returns:
        The columns, in the order of the decays.
    """
    return tuple(Column(name=f"{name}@{decay:g}", kind=kind) for decay in decays)


_BARE_NAMES = {"item_similarity@0.3": "item_similarity", "transition@1,2,3": "transition"}
"""Statistics that served records hold without the settings in their name."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FitData:
    """What scorers are fitted on; n items, D features."""

    sequences: Sequences
    """training events of the users whose statistics are allowed"""
    features: NDArray[np.float32]
    """[n, D], rows of length 1 or 0"""
    neighbours: Neighbours
    """of the catalogue by content; the same whatever the sequences are"""
    ordered: bool
    grams: sp.csr_array = field(default_factory=lambda: sp.csr_array(np.zeros((0, 0), np.float32)))
    """[n, G] the catalogue's grams under its own idf, rows of length 1 or 0; empty where there are no texts"""
    gram_cosines: NDArray[np.float32] | None = None
    """[n, n] of the grams; None where the catalogue is too large to hold them"""
    statistics: dict[str, Matrix] = field(default_factory=dict)
    """what was counted, [n] or [n, n] by name; what is there already is not counted again"""
    log: EventLog = field(default_factory=lambda: EventLog.of(Sequences.none()))
    """what may be counted as of a moment after it, whoever's it is; empty where the platform has no clock"""
    shown: EventLog = field(default_factory=lambda: EventLog.of(Sequences.none()))
    """what was shown to users, clicked or not; empty where nobody knows"""
    repeats: bool = False
    """whether a user may meet an item again"""
    within: float | None = None
    """seconds between two events of one basket, at most; None where the platform knows no baskets"""
    published: NDArray[np.float64] | None = None
    """[n] seconds since 1970, NaN where nobody knows; None where nobody says of any item"""
    change: Change | None = None
    """since the same was counted before; None: it never was"""

    @property
    def n_items(self) -> int:
        """How many items there are, ``n``."""
        return len(self.features)

    @cached_property
    def user_items(self) -> sp.csr_array:
        """[U, n] with 1 where a user met an item, once or more."""
        return user_items_of(self.sequences, self.n_items)

    @cached_property
    def basket_items(self) -> sp.csr_array:
        """[K, n] with 1 where a basket holds an item; of the baskets of two items or more alone."""
        if self.within is None:
            return sp.csr_array(np.zeros((0, self.n_items), np.float32))
        targets = baskets(self.sequences, self.within).targets
        whole = part(self.sequences, targets.users, targets.starts, targets.stops - targets.starts)
        matrix = user_items_of(whole, self.n_items)
        several: Any = np.flatnonzero(np.diff(matrix.indptr) > 1)
        return sp.csr_array(matrix[several])

    def item_similarity(self, shrink: float) -> Matrix:
        """Item-knn's similarity, shared by the scorers that walk over it.

        Args:
            shrink: as ``item_similarity`` takes it; each value is counted once.

        Returns:
            [n, n].
        """
        return self.statistic(
            f"item_similarity@{shrink:g}",
            lambda: item_similarity(self.user_items, shrink, self.row),
            lambda before, change: similarity_after(before, change, self.user_items, shrink, self.row or self.n_items),
        )

    @property
    def row(self) -> int | None:
        """Values of a row of [n, n] that are kept; None where all are."""
        return None if self.n_items <= WHOLE_UP_TO else ROW

    @property
    def popularity(self) -> NDArray[np.float32]:
        """[n] number of users who met the item."""
        return np.asarray(self.statistic("popularity", self._count_users))

    def statistic(
        self, name: str, count: Callable[[], Matrix], update: Callable[[sp.csr_array, Change], Matrix] | None = None
    ) -> Matrix:
        """Counted once, and kept under its name; a 0 stands for whatever an item without events would have.

        Args:
            name: of the statistic; a name with usual settings in it stands for the bare name that served records hold.
            count: counts it; called only where nothing is kept under the name yet.
            update: tells it from what was counted before the ``change``, where rows are cut to their largest values;
                None where counting it anew takes no longer.

        Returns:
            The statistic, usually [n] or [n, n].
        """
        name = _BARE_NAMES.get(name, name)
        if name not in self.statistics:
            self.statistics[name] = count() if update is None else self._told(name, count, update)
        return self.statistics[name]

    def _told(self, name: str, count: Callable[[], Matrix], update: Callable[[sp.csr_array, Change], Matrix]) -> Matrix:
        """By the update, where rows are cut and there is something from before the change."""
        if self.row is None or self.change is None or name not in self.change.statistics:
            return count()
        return update(sp.csr_array(self.change.statistics[name]), self.change)

    def _count_users(self) -> NDArray[np.float32]:
        return np.bincount(self.user_items.indices, minlength=self.n_items).astype(np.float32)


class HistoryBatch:
    """B histories, and their decayed bags of items, each made once."""

    def __init__(self, histories: Sequences, n_items: int) -> None:
        self.histories = histories
        self.n_items = n_items
        self._bags: dict[float, sp.csr_array] = {}
        self._means: dict[tuple[float, int], NDArray[np.float32]] = {}
        self._walks: dict[tuple[float, int], torch.Tensor] = {}

    def __len__(self) -> int:
        return len(self.histories)

    @property
    def moments(self) -> NDArray[np.float64] | None:
        """[B] seconds since 1970 as of which each is looked at; None for now, after all that was ever counted."""
        return self.histories.moments

    def bag(self, decay: float) -> sp.csr_array:
        """A weight decay^age, summed over an item's occurrences; the last item has age 0 (and 0^0 = 1).

        Args:
            decay: factor per step back, from 0 to 1.

        Returns:
            [B, n] sparse; made once for each decay.
        """
        if decay not in self._bags:
            lengths = self.histories.lengths()
            position = np.arange(len(self.histories.items)) - np.repeat(self.histories.offsets[:-1], lengths)
            age = np.repeat(lengths, lengths) - 1 - position
            weights = np.power(np.float32(decay), age, dtype=np.float32)
            bag = csr_of(self.histories, weights, self.n_items)
            bag.sum_duplicates()
            bag.eliminate_zeros()
            self._bags[decay] = bag
        return self._bags[decay]

    def bags(self, decays: Sequence[float]) -> Bags:
        """The bags of several decays.

        Args:
            decays: C factors per step back, from 0 to 1.

        Returns:
            C bags [B, n] of each history.
        """
        return Bags(sparse=[self.bag(decay) for decay in decays])

    @cached_property
    def basket(self) -> sp.csr_array:
        """[B, n] with 1 for each item of the basket that is to be completed; nothing where none is."""
        basket = in_basket(self.histories)
        bag = csr_of(basket, np.ones(len(basket.items), np.float32), self.n_items)
        bag.sum_duplicates()
        return bag

    def mean(self, decay: float, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Decayed means of the histories' vectors at length 1; made once, and not to be changed.

        Args:
            decay: factor per step back, from 0 to 1; the last item has weight 1.
            features: [n, D] vectors of the catalogue; the same array gives the same means.

        Returns:
            [B, D], zero for an empty history.
        """
        key = (decay, id(features))
        if key not in self._means:
            self._means[key] = unit_rows(self.bag(decay) @ features)
        return self._means[key]

    def walk(self, decay: float, matrix: Matrix) -> torch.Tensor:
        """The bag times a matrix that several scorers hold; multiplied once, and not to be changed.

        Args:
            decay: factor per step back, from 0 to 1; the last item has weight 1.
            matrix: [n, n], dense or sparse; the same object gives the same product.

        Returns:
            [B, n], dense.
        """
        key = (decay, id(matrix))
        if key not in self._walks:
            self._walks[key] = product(self.bag(decay), matrix)
        return self._walks[key]


class Scorer(Protocol):
    """A fitted scorer."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """What ``score`` yields, in order."""
        ...

    def score(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """Score the catalogue for each history.

        Args:
            batch: B histories, and what scorers share of them.

        Returns:
            One float32 tensor [B, n] per column.
        """
        ...


@runtime_checkable
class CountsEvents(Protocol):
    """A scorer that counts on while a platform serves. A score under way ends with what was counted when it began."""

    def met(self, items: NDArray[np.int32], times: NDArray[np.float64]) -> None:
        """Count events, in any order.

        Args:
            items: [E] rows of the catalogue.
            times: [E] seconds since 1970.
        """
        ...

    def carry_on(self, before: Any) -> None:
        """Go on from what the same scorer has counted for a catalogue whose items are the first of this one's."""
        ...


@runtime_checkable
class CountsShown(Protocol):
    """The same for a scorer that counts what is shown."""

    def shown(self, items: NDArray[np.int32], times: NDArray[np.float64]) -> None:
        """As ``CountsEvents.met``, of what was shown.

        Args:
            items: [E] rows of the catalogue.
            times: [E] seconds since 1970, in any order.
        """
        ...

    def carry_on(self, before: Any) -> None:
        """As ``CountsEvents.carry_on``."""
        ...


@runtime_checkable
class QueryScorer(Protocol):
    """A scorer whose first columns are products of vectors of the history with those of the items.

    Several of them can then read the items' vectors once. A constant of each history may be missing from the products:
    similarity-like columns are told apart by differences only.
    """

    @property
    def products(self) -> int:
        """How many columns those are."""
        ...

    @property
    def vectors(self) -> NDArray[np.float32]:
        """[n, D] of the items."""
        ...

    @property
    def searched(self) -> bool:
        """Whether the best items of these columns are to be searched for; False where another column offers them."""
        ...

    def queries(self, batch: HistoryBatch) -> list[NDArray[np.float32]]:
        """The vectors of the histories, for each of the first columns.

        Args:
            batch: B histories, and what scorers share of them.

        Returns:
            [B, D] for each of these columns.
        """
        ...

    def rest(self, batch: HistoryBatch) -> list[torch.Tensor]:
        """The columns after them.

        Args:
            batch: B histories, and what scorers share of them.

        Returns:
            One float32 tensor [B, n] per column.
        """
        ...


@runtime_checkable
class LooksUp(Protocol):
    """A scorer that need not score the whole catalogue to tell the scores of some items."""

    def lookups(self, batch: HistoryBatch, hidden: Hidden) -> list[Lookup]:
        """Its columns; those after its products, where it has any.

        Args:
            batch: B histories, and what scorers share of them.
            hidden: which items may not be recommended to whom.

        Returns:
            One lookup per column.
        """
        ...


_FEW = 0.05
"""Share of a bag that is not 0, up to which adding rows of 4,260 numbers beats multiplying by the whole matrix
(1.5 %: 5 times as fast; 10 %: 1.2 times as slow)."""


def product(bag: sp.csr_array, matrix: Matrix) -> torch.Tensor:
    """A bag times a matrix: one row of a sparse matrix, few of a dense one are added up, more multiplied.

    Args:
        bag: [B, n] sparse.
        matrix: [n, n], dense or sparse.

    Returns:
        [B, n], dense.
    """
    if isinstance(matrix, sp.csr_array):
        return torch.from_numpy(_added_rows(bag, matrix) if bag.shape[0] == 1 else (bag @ matrix).toarray())
    dense = torch.from_numpy(matrix)
    if bag.nnz > _FEW * bag.shape[0] * bag.shape[1]:
        return torch.from_numpy(bag.toarray()) @ dense
    items, starts = (torch.from_numpy(part.astype(np.int64)) for part in (bag.indices, bag.indptr[:-1]))
    weights = torch.from_numpy(bag.data)
    return functional.embedding_bag(items, dense, starts, mode="sum", per_sample_weights=weights)


def walked(batch: HistoryBatch, decays: Sequence[float], matrix: Matrix, hidden: Hidden) -> list[Lookup]:
    """Lookups of the bags times a matrix.

    Args:
        batch: B histories.
        decays: of their items with age; one column each.
        matrix: [n, n], dense or sparse.
        hidden: which items may not be recommended to whom.

    Returns:
        One lookup per decay.
    """
    if not isinstance(matrix, np.ndarray):
        return hidden.walked(batch.bags(decays), matrix)
    return [DenseLookup(batch.walk(decay, matrix), hidden) for decay in decays]


def _added_rows(bag: sp.csr_array, matrix: sp.csr_array) -> NDArray[np.float32]:
    """[1, n] a bag of one row times [n, n], without the arrays of n that a sparse product makes twice."""
    starts, ends = (matrix.indptr[rows] for rows in (bag.indices, bag.indices + 1))
    counts = ends - starts
    places = stretches(starts, counts)
    added = np.repeat(bag.data, counts) * matrix.data[places]
    return np.bincount(matrix.indices[places], added, minlength=matrix.shape[1])[None].astype(np.float32)
