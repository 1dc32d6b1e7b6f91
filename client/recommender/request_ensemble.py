"""The ensemble for one history at a time: the log-ratios of ``Ensemble``, with much less to do for each request.

The same but for what products with half-precision vectors differ: under a hundredth of a nat in a column.

Scorers whose columns are products with the items' vectors read these once together, and columns of a kind are
calibrated together, a few at a time. R columns, n items, L items of a history, C columns of a kind.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.sequences import Sequences
from client.ensemble.calibration import Calibration
from client.ensemble.ensemble import Ensemble
from client.ensemble.ensemble_settings import DEFAULT
from client.ensemble.one_calibration import AlikeColumns
from client.recommender.parallel import in_parallel
from client.scorers.encoder_scorers import Named
from client.scorers.lookups import without_nan
from client.scorers.scorer import HistoryBatch, Kind, QueryScorer


@dataclass(frozen=True, eq=False, kw_only=True)
class Past:
    """One history, as of a moment."""

    items: NDArray[np.int32]
    """[L] oldest first"""
    times: NDArray[np.float64] | None = None
    """[L] seconds since 1970; None where nobody knows"""
    moment: float | None = None
    """seconds since 1970; None for now"""
    together: int = 0
    """so many of the last items are a basket that is to be completed"""

    @property
    def basket(self) -> NDArray[np.int32]:
        """The items of the basket that is to be completed."""
        return self.items[len(self.items) - self.together :]

    def without(self, place: int) -> "Past":
        """Without one of its events.

        Args:
            place: of the event in the history, 0 for the oldest.

        Returns:
            The history without it; a basket that held it is smaller by one.
        """
        times = None if self.times is None else np.delete(self.times, place)
        left = self.together - int(place >= len(self.items) - self.together)
        return replace(self, items=np.delete(self.items, place), times=times, together=left)

    def as_sequences(self) -> Sequences:
        """As the one list of a batch."""
        return Sequences(
            offsets=np.array([0, len(self.items)]),
            items=self.items,
            times=self.times,
            moments=None if self.moment is None else np.array([self.moment]),
            together=np.array([self.together]) if self.together else None,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class RequestView:
    """What R columns say of M items that a list may be made of."""

    items: torch.Tensor
    """[M] int64 rows of the catalogue"""
    log_ratios: torch.Tensor
    """[R, M] in nats"""
    allowed: torch.Tensor
    """[M] whether the list may hold each"""
    hidden: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    """items of the history that are among the M only where they are not hidden"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Begun:
    """What was worked out of a history together with others: the items' vectors were read once for all of them."""

    batch: HistoryBatch
    """the history alone"""
    products: Sequence[torch.Tensor]
    """[1, n] for each query"""


class PackedVectors:
    """Vectors [n, D] of length 1 or 0, in FBGEMM's layout of half-precision weights.

    A product is as fast as the vectors can be read, so half of the bytes take half of the time: against 20,000 of
    1,024 numbers five queries take 2.5 ms of one thread, 3.8 in whole precision, 13 with a plain product, whose library
    lays the vectors out anew each time. Sums are of float32; with queries of length 1 the products are right to 3e-5.
    A torch without FBGEMM multiplies plainly.
    """

    def __init__(self, vectors: torch.Tensor) -> None:
        self._vectors = vectors

    @torch.no_grad()
    def products(self, rows: Sequence[NDArray[np.float32]]) -> Sequence[torch.Tensor]:
        """The products of queries with all vectors.

        Args:
            rows: queries [1, D].

        Returns:
            [1, n] for each query; nothing where there are none.
        """
        if not rows:
            return ()
        queries = torch.from_numpy(np.concatenate(rows))
        if not packs_vectors():
            return [*(queries @ self._vectors.T)[:, None]]
        return [*torch.ops.quantized.linear_dynamic_fp16(queries, self._packed)[:, None]]

    @cached_property
    def _packed(self) -> Any:
        """Made for the first product: an ensemble without one needs none."""
        return torch.ops.quantized.linear_prepack_fp16(self._vectors, None)


def packs_vectors() -> bool:
    """Whether this torch has FBGEMM."""
    return "fbgemm" in torch.backends.quantized.supported_engines


_AT_ONCE = 4
"""Columns that are calibrated together: few enough for a core's own cache, enough that each step is worth it."""


class RequestEnsemble:
    """An ensemble, its weights, and the items' vectors that its query scorers multiply with.

    Weights are [R], or [1 + K, R] where they shift with the gap since the last event of a history. Its columns stand in
    an order of its own, those of a kind side by side.
    """

    def __init__(self, ensemble: Ensemble, weights: NDArray[np.float64], items: PackedVectors) -> None:
        columns = ensemble.raw.columns
        order = [row for kind in Kind for row, column in enumerate(columns) if column.kind is kind]
        self.names = tuple(columns[row].name for row in order)
        self._by_gap = torch.from_numpy(np.atleast_2d(weights)[:, order].astype(np.float32))
        self._gaps = ensemble.gaps
        self.repeats = ensemble.raw.repeats
        self.scorers = [scorer.scorer if isinstance(scorer, Named) else scorer for scorer in ensemble.raw.scorers]
        self._n_items = ensemble.raw.n_items
        self._items = items
        self._queried = [scorer for scorer in self.scorers if isinstance(scorer, QueryScorer)]
        places = iter(np.argsort(order).tolist())
        self._product_rows: list[int] = []
        self._computed: list[tuple[list[int], Callable[[HistoryBatch], list[torch.Tensor]]]] = []
        for scorer in self.scorers:
            rows = list(islice(places, len(scorer.columns)))
            products = scorer.products if isinstance(scorer, QueryScorer) else 0
            self._product_rows += rows[:products]
            self._computed.append((rows[products:], scorer.rest if isinstance(scorer, QueryScorer) else scorer.score))
        kinds = [columns[row].kind for row in order]
        calibrations = [ensemble.calibrations[row] for row in order]
        self._alike = [(rows, _alike_columns(calibrations[rows])) for rows in _alike(kinds)]

    def weights(self, history: Past) -> torch.Tensor:
        """[R] of a history, by the gap since its last event."""
        if len(self._by_gap) == 1:
            return self._by_gap[0]
        return self._by_gap[int(self._gaps.of(history.as_sequences())[0])]

    @torch.no_grad()
    def begin(self, histories: Sequence[Past]) -> list[Begun]:
        """The products of some histories, of each what ``view`` goes on from."""
        batches = [self._batch(history) for history in histories]
        queries = [self._queries(batch) for batch in batches]
        products = iter(self._items.products([query for each in queries for query in each]))
        return [
            Begun(batch=batch, products=list(islice(products, len(each))))
            for batch, each in zip(batches, queries, strict=True)
        ]

    @torch.no_grad()
    def log_ratios(self, history: Past, begun: Begun | None = None) -> torch.Tensor:
        """In nats; at a history's own items too, which say nothing unless they may be recommended.

        Args:
            history: whose they are.
            begun: what ``begin`` gave for it; None: nothing was begun.

        Returns:
            [R, n].
        """
        raw = without_nan(self._raw(history, begun))
        hidden = np.unique(history.basket if self.repeats else history.items)
        for rows, alike in self._alike:
            alike.calibrate(raw[rows].numpy(), hidden)
        return raw

    def view(self, history: Past, allowed: torch.Tensor, _count: int, begun: Begun | None = None) -> RequestView:
        """The log-ratios of the whole catalogue.

        Args:
            history: what the list is made for.
            allowed: [n] False for what it may not hold.
            _count: items that the list needs.
            begun: what ``begin`` gave for the history; None: nothing was begun.

        Returns:
            The items with what is said of them.
        """
        log_ratios = self.log_ratios(history, begun)
        return RequestView(items=torch.arange(self._n_items), log_ratios=log_ratios, allowed=allowed)

    def again(self, history: Past, _view: RequestView, begun: Begun | None = None) -> torch.Tensor:
        """The log-ratios of another history for the items of a view, which are all.

        Args:
            history: whose they are.
            _view: of the whole catalogue.
            begun: what ``begin`` gave for the history; None: nothing was begun.

        Returns:
            [R, n] in nats.
        """
        return self.log_ratios(history, begun)

    def _batch(self, history: Past) -> HistoryBatch:
        return HistoryBatch(history.as_sequences(), self._n_items)

    def _queries(self, batch: HistoryBatch) -> list[NDArray[np.float32]]:
        return [query for scorer in self._queried for query in scorer.queries(batch)]

    def _raw(self, history: Past, begun: Begun | None = None) -> torch.Tensor:
        batch = self._batch(history) if begun is None else begun.batch
        raw = torch.empty(len(self.names), self._n_items)

        def write(rows: list[int], columns: Sequence[torch.Tensor]) -> None:
            for row, column in zip(rows, columns, strict=True):
                raw[row] = column

        def products() -> None:
            write(self._product_rows, self._items.products(self._queries(batch)) if begun is None else begun.products)

        def others() -> None:
            for rows, work in self._computed:
                write(rows, work(batch))

        in_parallel([products, others])
        return raw


def _alike(kinds: Sequence[Kind]) -> Iterator[slice]:
    """Stretches of at most _AT_ONCE columns of one kind."""
    for kind in dict.fromkeys(kinds):
        first, end = kinds.index(kind), kinds.index(kind) + kinds.count(kind)
        for start in range(first, end, _AT_ONCE):
            yield slice(start, min(start + _AT_ONCE, end))


def _alike_columns(calibrations: Sequence[Calibration]) -> AlikeColumns:
    """Of calibrations of one kind, one at least."""
    lowest = None if calibrations[0].kind is Kind.COUNT else DEFAULT.calibration.temperatures[0]
    mixtures = [calibration.mixture for calibration in calibrations]
    return AlikeColumns(mixtures, [calibration.scale for calibration in calibrations], lowest)
