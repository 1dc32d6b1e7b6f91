"""The ensemble for one history over a catalogue that is too large to be scored whole for each request.

As a fit looks at it: each column offers its best items, and all columns are looked up at their union, and at a sample
of the rest, which stands for the mass outside. R columns, n items, M items that are looked at, S of them the sample's.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from client.ensemble.calibration import Calibration
from client.ensemble.ensemble import Ensemble
from client.recommender.request_ensemble import Past, RequestView
from client.recommender.searched_columns import Products, Search, TableColumn
from client.scorers.encoder_scorers import Named, StoredSequence
from client.scorers.encoder_scorers import Sequence as SequenceScorer
from client.scorers.lookups import DenseLookup, Looked, Lookup, without_nan
from client.scorers.one_batch import OneBatch
from client.scorers.one_history import OneHistory, Room
from client.scorers.scorer import HistoryBatch, Kind, LooksUp, QueryScorer, Scorer
from shared.seeding import rng_for

_TINY = 1e-30
_DIRECTLY = 2_000
"""allowed items up to which all of them are looked at"""
_OF_THREAD = threading.local()


class RequestShortlist:
    """An ensemble and its weights, [R] or [1 + K, R]; ``RequestEnsemble`` for a large catalogue."""

    def __init__(
        self,
        ensemble: Ensemble,
        weights: NDArray[np.float64],
        vectors: NDArray[np.float32],
        searches: Mapping[str, Search],
    ) -> None:
        """``vectors`` [n, D] of the items; ``searches`` by first columns of the scorers that are searched for."""
        self.names, self.repeats = ensemble.names, ensemble.raw.repeats
        self.scorers = [scorer.scorer if isinstance(scorer, Named) else scorer for scorer in ensemble.raw.scorers]
        self._by_gap = torch.from_numpy(np.atleast_2d(weights).astype(np.float32))
        self._gaps, self._n_items = ensemble.gaps, ensemble.raw.n_items
        self._offers = ensemble.raw.settings.shortlist.offers
        drawn = rng_for(0, "shortlist", "sample").permutation(self._n_items)
        self._sample = np.sort(drawn[: ensemble.raw.settings.shortlist.sample])
        self._vectors, self._of_sample = vectors, vectors[self._sample]
        named = [
            (scorer.columns[0].name, bare) for scorer, bare in zip(ensemble.raw.scorers, self.scorers, strict=True)
        ]
        self._ways = [way for name, scorer in named for way in _ways(scorer, searches.get(name))]
        kinds = [column.kind for column in ensemble.raw.columns]
        self._alike = [_AlikeColumns(kind, kinds, ensemble.calibrations) for kind in dict.fromkeys(kinds)]

    def weights(self, history: Past) -> torch.Tensor:
        """[R] of a history, by the gap since its last event."""
        if len(self._by_gap) == 1:
            return self._by_gap[0]
        return self._by_gap[int(self._gaps.of(history.as_sequences())[0])]

    def begin(self, histories: Sequence[Past]) -> list[None]:
        """Nothing: each history looks at items of its own."""
        return [None] * len(histories)

    @torch.no_grad()
    def view(self, history: Past, allowed: torch.Tensor, count: int, _begun: object = None) -> RequestView:
        """What the columns say of the items that a list may be made of.

        Args:
            history: what it is made for.
            allowed: [n] False for what the list may not hold.
            count: items that the list needs; there are as many, unless fewer are allowed.
            _begun: what ``begin`` gave for the history.

        Returns:
            The items in the catalogue's order, those of the sample behind them.
        """
        hidden, may = self._hidden(history), allowed.numpy()
        lookups = self._lookups(history, hidden)
        pool = _offered(lookups, max(self._offers, count))
        if int(may[pool].sum()) < max(count, len(pool) // 2):
            pool = np.union1d(pool, self._allowed(history, hidden.beside(may), may, count))
        looked = Looked(pool[None], self._sample, self._n_items)
        listed = np.concatenate([may[pool], np.zeros(len(self._sample), bool)])
        log_ratios = self._log_ratios(lookups, hidden, looked)
        return RequestView(
            items=looked.items[0],
            log_ratios=log_ratios,
            allowed=torch.from_numpy(listed),
            hidden=hidden.lists.items,
        )

    @torch.no_grad()
    def again(self, history: Past, view: RequestView, _begun: object = None) -> torch.Tensor:
        """The log-ratios of another history for the items of a view.

        Args:
            history: whose they are; what was hidden in the view and is not now counts among the others.
            view: says where the columns are looked up.
            _begun: what ``begin`` gave for the history.

        Returns:
            [R, M] in nats.
        """
        hidden, pool = self._hidden(history), view.items.numpy()[: len(view.items) - len(self._sample)]
        shown = np.setdiff1d(view.hidden, np.union1d(hidden.lists.items, pool))
        looked = Looked(np.concatenate([shown, pool])[None], self._sample, self._n_items)
        return self._log_ratios(self._lookups(history, hidden), hidden, looked)[:, len(shown) :]

    def _hidden(self, history: Past) -> OneHistory:
        if not hasattr(_OF_THREAD, "room"):
            _OF_THREAD.room = Room()
        return OneHistory(np.unique(history.basket if self.repeats else history.items), self._n_items, _OF_THREAD.room)

    def _lookups(self, history: Past, hidden: OneHistory) -> list[Lookup]:
        """[R]."""
        batch = OneBatch(history.as_sequences(), self._n_items)
        products = Products(self._vectors, self._of_sample)
        return [lookup for way in self._ways for lookup in way(batch, hidden, products)]

    def _allowed(self, history: Past, hidden: OneHistory, allowed: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
        """Items for a list that may hold little of what columns offer: few allowed ones all, of many the best.

        Args:
            history: what the list is made for.
            hidden: all that is not allowed.
            allowed: [n].
            count: items that the list needs.

        Returns:
            Rows of the catalogue, ``count`` at least or all that are allowed.
        """
        rows = np.flatnonzero(allowed)
        if len(rows) <= max(_DIRECTLY, count):
            return rows
        pool = _offered(self._lookups(history, hidden), max(self._offers, count))
        return pool if len(pool) >= count else np.union1d(pool, rows[:count])

    def _log_ratios(self, lookups: Sequence[Lookup], hidden: OneHistory, looked: Looked) -> torch.Tensor:
        """[R, M] in nats; at hidden items, which say nothing, as at items that no column knows."""
        items, pooled = looked.items[0].numpy(), looked.pool.shape[1]
        counts = ~hidden.at(items)
        counts[pooled:] &= ~np.isin(self._sample, looked.pool[0])
        outside = self._n_items - len(hidden.lists.items) - int(counts[:pooled].sum())
        weights = counts.astype(np.float32)
        weights[pooled:] *= outside / max(int(counts[pooled:].sum()), 1)
        log_ratios = without_nan(torch.cat([lookup.at(looked) for lookup in lookups]))
        for alike in self._alike:
            alike.calibrate(log_ratios.numpy(), weights, lookups)
        return log_ratios


_Way = Callable[[HistoryBatch, OneHistory, Products], list[Lookup]]
"""How some columns of a scorer are looked up."""


def _ways(scorer: Scorer, search: Search | None) -> Iterator[_Way]:
    """Of all its columns, in their order."""
    if isinstance(scorer, QueryScorer):
        yield lambda batch, hidden, products: [
            products.column(query[0], search, hidden) for query in scorer.queries(batch)
        ]
    if isinstance(scorer, SequenceScorer | StoredSequence) and search is not None:
        yield lambda batch, hidden, _: [TableColumn(scorer.state(batch.histories.items), search, hidden)]
    elif isinstance(scorer, LooksUp):
        yield lambda batch, hidden, _: scorer.lookups(batch, hidden)
    else:
        yield lambda batch, hidden, _: [DenseLookup(without_nan(each), hidden) for each in scorer.score(batch)]


class _AlikeColumns:
    """Columns of one kind, calibrated together as ``Calibration.log_ratio`` does it one by one."""

    def __init__(self, kind: Kind, kinds: Sequence[Kind], calibrations: Sequence[Calibration]) -> None:
        self._kind, self._rows = kind, [row for row, each in enumerate(kinds) if each is kind]
        self._powers = calibrations[self._rows[0]].settings.of(kind)
        self._mixture = np.array([calibrations[row].mixture for row in self._rows], np.float32)
        self._scales = np.array([calibrations[row].scale for row in self._rows], np.float32)[:, None]

    def calibrate(self, scores: NDArray[np.float32], weights: NDArray[np.float32], lookups: Sequence[Lookup]) -> None:
        """Write log-likelihood ratios over its rows of raw scores [R, M].

        Args:
            scores: changed in place.
            weights: [M] how many items each stands for, 0 for a hidden one.
            lookups: [R] of the columns, which may know their sums over all items.
        """
        values, sums = self._first(scores[self._rows], weights), self._sums(lookups)
        total = np.repeat(self._mixture[:, -1:], values.shape[1], axis=1)
        for place in range(len(self._powers)):
            if place:
                np.square(values, out=values)
            summed = np.where(np.isnan(sums[:, place]), values @ weights, sums[:, place])
            total += values * (weights.sum() * self._mixture[:, place] / np.maximum(summed, _TINY))[:, None]
        scores[self._rows] = np.log(np.maximum(total, _TINY))

    def _first(self, scores: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """[C, M] the first component's values, 0 at hidden items; the next are squares of the ones before."""
        if self._kind is Kind.COUNT:
            return np.asarray((np.maximum(scores, 0) * (weights > 0)) ** self._powers[0])
        scaled = np.where(weights > 0, scores * self._scales, -np.inf)
        scaled -= np.maximum(scaled.max(1, keepdims=True), -1e30)
        return np.asarray(np.exp(scaled * self._powers[0]), np.float32)

    def _sums(self, lookups: Sequence[Lookup]) -> NDArray[np.float32]:
        """[C, Q] sums of each component over all items that are not hidden; NaN where the sample has to tell."""
        sums = np.full((len(self._rows), len(self._powers)), np.nan, np.float32)
        for place, row in enumerate(self._rows if self._kind is Kind.COUNT else ()):
            known = lookups[row].masses(self._powers)
            if known is not None:
                sums[place] = known[0].numpy()
        return sums


def _offered(lookups: Sequence[Lookup], count: int) -> NDArray[np.int64]:
    """The items that the columns offer, ``count`` each at most, in the catalogue's order."""
    items = np.unique(np.concatenate([lookup.offers(count)[0] for lookup in lookups]))
    return items[items >= 0]
