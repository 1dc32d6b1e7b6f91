"""A platform's recommender: fitted once, stored, opened again; it answers a history with items and reasons.

n items, R columns, L items of a history.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from client.ensemble.rerank import DEFAULT as RERANK
from client.ensemble.rerank import rerank
from client.evaluation.ranking import best_first
from client.recommender.request_ensemble import Begun, PackedVectors, Past, RequestEnsemble, RequestView
from client.recommender.request_shortlist import RequestShortlist
from client.recommender.searched_columns import Search, searches_of
from client.recommender.served_catalogue import ServedCatalogue, ServedUsers
from client.recommender.served_head import ServedEnsembles, ServedHead, WeighedEnsemble, open_served, served_ensembles
from client.recommender.stored_texts import row_of_each, rows_of_texts
from client.scorers.scorer import CountsEvents, CountsShown, Scorer
from client.store.head_store import HeadStore
from shared.errors import DataError

Name = TypeVar("Name", str, int)

WEIGHED = 20
"""The latest items of a history whose weight is told."""
_LEAST = torch.finfo(torch.float32).min
"""Told as the score of an item whose score is no number; it stands last."""
SCORED = 10_000
"""The latest events of a history that a list is computed from; older ones are only not recommended again."""
_BEGUN_AT_ONCE = 5
"""histories without one event each whose products are worked out together, between two turns of others"""
NO_HISTORY = np.zeros(0, np.int32)


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """One item and why."""

    item: int
    """row of the catalogue"""
    score: float
    scorers: tuple[tuple[str, float], ...]
    """columns and what each adds to the score, the largest first"""
    history: tuple[tuple[int, float], ...] = ()
    """rows of history items and how far the score would fall without each, the largest first; where it was asked for"""


@dataclass(frozen=True, eq=False, kw_only=True)
class ListQuery:
    """What a list shall be like."""

    k: int
    allowed: NDArray[np.bool_] | None = None
    """[n] where False, an item is not recommended, whatever its score; None allows all"""
    diversity: float = 0.0
    """from 0 to 1: how much relevance is given up for items that are less alike (``rerank``)"""
    reasons: bool = False
    """whether the history's part in each item is wanted, which takes a scoring more for each of its events"""
    scoring: Callable[[], AbstractContextManager[object]] = nullcontext
    """each pass over the catalogue is within one; it may end the work by raising"""
    moment: float | None = None
    """seconds since 1970 as of which ages and gaps are told; None for now"""
    basket: int = 0
    """so many of the history's last items are a basket: wanted is what goes with it, and never what it holds"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Asked:
    """A list that somebody wants."""

    history: NDArray[np.int32]
    """[L] rows of the catalogue, oldest first; it may be empty"""
    query: ListQuery
    times: NDArray[np.float64] | None = None
    """[L] seconds since 1970 when the items were met; None where nobody knows"""

    @property
    def past(self) -> Past:
        """What the list is computed from."""
        return Past(
            items=self.history[-SCORED:],
            times=None if self.times is None else self.times[-SCORED:],
            moment=self.query.moment,
            together=self.query.basket,
        )


@dataclass(frozen=True, eq=False)
class Recommender:
    """Catalogue, users, and the scorers that have weight."""

    items: ServedCatalogue
    users: ServedUsers
    whole: RequestEnsemble | RequestShortlist
    """answers a history"""
    popularity: RequestEnsemble | RequestShortlist
    """answers where there is no history: an ensemble could then rest on scorers that have nothing to say"""
    basket: RequestEnsemble | RequestShortlist | None = None
    """completes a basket; None where too few tell what goes together: then ``whole`` answers"""
    searches: Mapping[str, Search] = field(default_factory=dict)
    """of products that are searched for, by each scorer's first column; none where the catalogue is scored whole"""

    @classmethod
    def of(cls, served: ServedHead, before: "Recommender | None" = None) -> "Recommender":
        """Over what was stored.

        Args:
            served: the head.
            before: the recommender of the same fit over a catalogue that has grown to this one; None: there is none.

        Returns:
            The recommender.

        Raises:
            HeadStoreError: if this installation has other scorers.
        """
        ensembles = served_ensembles(served)
        searches: Mapping[str, Search] = {}
        if not ensembles.whole.ensemble.raw.is_whole:
            searches = served.searches or searches_of(ensembles.scorers, {} if before is None else before.searches)
        opened = _opening(served, ensembles, searches)
        return cls(
            items=served.items,
            users=served.users,
            whole=opened(ensembles.whole),
            popularity=opened(ensembles.popularity),
            basket=None if ensembles.basket is None else opened(ensembles.basket),
            searches=searches,
        )

    @cached_property
    def row_of_item(self) -> Mapping[str, int]:
        """Item id to its row."""
        return row_of_each(self.items.item_ids)

    @cached_property
    def rows_of_category(self) -> Mapping[str, Any]:
        """Category to the rows of its items."""
        return rows_of_texts(self.items.categories or ())

    @cached_property
    def row_of_user(self) -> Mapping[str, int]:
        """User id to their row."""
        return row_of_each(self.users.user_ids)

    def history_of(self, user: str) -> NDArray[np.int32]:
        """[L] all of a user's items, oldest first; raises DataError where the platform has no such user."""
        row = self.row_of_user.get(user)
        if row is None:
            raise DataError(f"the user asked for is not among the {len(self.users.user_ids):,} users of the platform")
        start, end = self.users.sequences.offsets[row : row + 2]
        return self.users.sequences.items[start:end]

    def times_of(self, user: str) -> NDArray[np.float64]:
        """[L] when a user met their items, in seconds since 1970; NaN where that is not known."""
        row = self.row_of_user[user]
        start, end = self.users.sequences.offsets[row : row + 2]
        times = self.users.sequences.times
        return np.full(end - start, np.nan) if times is None else times[start:end]

    def rows_of(self, items: Sequence[str]) -> NDArray[np.int32]:
        """[I] rows of items, each once; raises DataError where the catalogue lacks one."""
        rows = [self.row_of_item.get(item, -1) for item in dict.fromkeys(items)]
        if -1 in rows:
            raise DataError(f"{rows.count(-1)} of the {len(rows)} items of the basket are not in the catalogue")
        return np.array(rows, np.int32)

    def past_of(self, user: str | None, basket: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """A user's items and their times, what is in their basket now last.

        Args:
            user: their id; None: somebody of whom the basket alone is known.
            basket: [I] rows of the catalogue; unless users meet items again, they leave their earlier places.

        Returns:
            [L] rows, oldest first, and [L] seconds since 1970; NaN where a time is not known, now for the basket.

        Raises:
            DataError: if the platform has no such user.
        """
        history, when = np.empty(0, np.int32), np.empty(0)
        if user is not None:
            history, when = self.history_of(user), self.times_of(user)
        retained = slice(None) if self.whole.repeats else ~np.isin(history, basket)
        now = np.full(len(basket), time.time())
        return np.concatenate([history[retained], basket]), np.concatenate([when[retained], now])

    def count(self, items: NDArray[np.int32], times: NDArray[np.float64], *, shown: bool = False) -> None:
        """What was met since the fit, or was ``shown``, for the scorers that count on.

        Args:
            items: [E] rows of the catalogue.
            times: [E] seconds since 1970, in any order.
            shown: whether the items were shown, not met.
        """
        for scorer in self._scorers if len(items) else ():
            if shown and isinstance(scorer, CountsShown):
                scorer.shown(items, times)
            elif not shown and isinstance(scorer, CountsEvents):
                scorer.met(items, times)

    def carry_on(self, before: "Recommender") -> None:
        """Go on from what another one of the same fit has counted, whose catalogue is the beginning of this one's."""
        for scorer, earlier in zip(self._scorers, before._scorers, strict=True):
            if isinstance(scorer, CountsEvents | CountsShown):
                scorer.carry_on(earlier)

    @property
    def _scorers(self) -> list[Scorer]:
        """Each once."""
        ensembles = (self.whole, self.popularity, *(() if self.basket is None else (self.basket,)))
        return list({id(scorer): scorer for ensemble in ensembles for scorer in ensemble.scorers}.values())

    def basis(self, history: NDArray[np.int32], query: ListQuery) -> str:
        """What a list rests on: ``basket``, ``history``, or ``popularity`` where nothing is known.

        Args:
            history: [L] rows of the catalogue.
            query: what the list shall be like.

        Returns:
            One of these three words.
        """
        if query.basket and self.basket is not None:
            return "basket"
        return "history" if len(history) else "popularity"

    def begin(self, asked: Sequence[Asked]) -> list[Begun | None]:
        """What some lists share, worked out for all of them at once.

        Args:
            asked: the lists that are asked for.

        Returns:
            For each what ``recommend`` goes on from.
        """
        begun: list[Begun | None] = [None] * len(asked)
        ensembles = [self._ensemble(each.history, each.query) for each in asked]
        for ensemble in {id(each): each for each in ensembles}.values():
            places = [place for place, each in enumerate(ensembles) if each is ensemble]
            for place, each in zip(places, ensemble.begin([asked[place].past for place in places]), strict=True):
                begun[place] = each
        return begun

    def recommend(
        self, history: NDArray[np.int32], query: ListQuery, times: NDArray[np.float64] | None = None
    ) -> list[Recommendation]:
        """The list that is asked for by a history; see ``answer``.

        Args:
            history: [L] rows of the catalogue, oldest first; it may be empty.
            query: what the list shall be like.
            times: [L] seconds since 1970 when the items were met; None where nobody knows.

        Returns:
            The items with their scores and reasons; empty where no item is allowed.
        """
        return self.answer(Asked(history=history, query=query, times=times))

    @torch.no_grad()
    def answer(self, asked: Asked, begun: Begun | None = None) -> list[Recommendation]:
        """At most k items, the best first; equal ones in the catalogue's order.

        Items of the history are left out unless the platform's users meet items again, or nothing else is allowed; of a
        basket that is to be completed they always are.

        Args:
            asked: what the list is made for, and what it shall be like.
            begun: what ``begin`` gave for it; None: nothing was begun.

        Returns:
            The items with their scores and reasons; empty where no item is allowed.
        """
        history, query, latest = asked.history, asked.query, asked.past
        ensemble = self._ensemble(history, query)
        with query.scoring():
            allowed = self._allowed(history, latest.basket, query.allowed)
            view = ensemble.view(latest, allowed, _needed(query), begun)
            weights = ensemble.weights(latest)
            scores = weights @ view.log_ratios
            best = self._best(scores, view, query)
        parts = weights[:, None] * view.log_ratios[:, best]
        falls = torch.zeros(0, len(best))
        if query.reasons:
            falls = _falls(ensemble, latest, view, best, query)
        return [
            Recommendation(
                item=item,
                score=float(scores[best[place]].nan_to_num(nan=_LEAST)),
                scorers=_largest(zip(ensemble.names, parts[:, place].tolist(), strict=True)),
                history=_largest(zip(history[-WEIGHED:].tolist(), falls[:, place].tolist(), strict=False)),
            )
            for place, item in enumerate(view.items[best].tolist())
        ]

    @torch.no_grad()
    def scored(self, asked: Asked) -> tuple[torch.Tensor, torch.Tensor]:
        """All that the list that is asked for may hold.

        Args:
            asked: what the list is made for, and what it shall be like.

        Returns:
            [M] rows of the catalogue and [M] their scores in nats, in no order.
        """
        history, latest = asked.history, asked.past
        ensemble = self._ensemble(history, asked.query)
        allowed = self._allowed(history, latest.basket, asked.query.allowed)
        view = ensemble.view(latest, allowed, _needed(asked.query))
        scores = ensemble.weights(latest) @ view.log_ratios
        return view.items[view.allowed], scores[view.allowed].nan_to_num(nan=_LEAST)

    def _ensemble(self, history: NDArray[np.int32], query: ListQuery) -> RequestEnsemble | RequestShortlist:
        answering = {"basket": self.basket, "history": self.whole, "popularity": self.popularity}
        return answering[self.basis(history, query)] or self.whole

    def _allowed(
        self, history: NDArray[np.int32], basket: NDArray[np.int32], requested: NDArray[np.bool_] | None
    ) -> torch.Tensor:
        """[n]."""
        n_items = len(self.items.item_ids)
        allowed = torch.ones(n_items, dtype=torch.bool) if requested is None else torch.from_numpy(requested).clone()
        allowed[torch.from_numpy(basket.astype(np.int64))] = False
        if self.whole.repeats or not len(history):
            return allowed
        fresh = allowed.clone()
        fresh[torch.from_numpy(history.astype(np.int64))] = False
        return fresh if fresh.any() else allowed

    def _best(self, scores: torch.Tensor, view: RequestView, query: ListQuery) -> torch.Tensor:
        """[k] places among the M of a view that is scored [M]."""
        k = min(query.k, int(view.allowed.sum()))
        scores = scores.masked_fill(~view.allowed, -torch.inf)
        if query.diversity > 0:
            vectors = self.items.catalogue.features
            items = view.items
            if not isinstance(vectors, np.ndarray):
                vectors, items = vectors[items.numpy()], torch.arange(len(items))
            (scores,) = next(
                rerank(scores[None], torch.from_numpy(vectors), (query.diversity,), k=k, items=items[None])
            )
        return best_first(scores[None], k)[0]


def _opening(
    served: ServedHead, ensembles: ServedEnsembles, searches: Mapping[str, Search]
) -> Callable[[WeighedEnsemble], RequestEnsemble | RequestShortlist]:
    """What opens each of the ensembles: for the whole catalogue, or for shortlists of a large one."""
    vectors = served.items.catalogue.features
    if ensembles.whole.ensemble.raw.is_whole:
        items = PackedVectors(torch.from_numpy(vectors))
        return lambda weighed: RequestEnsemble(weighed.ensemble, weighed.weights, items)
    looked_up = served.items.looked_up
    return lambda weighed: RequestShortlist(weighed.ensemble, weighed.weights, looked_up, searches)


def _needed(query: ListQuery) -> int:
    """Items that a list is chosen from, at least."""
    return max(query.k, RERANK.pool) if query.diversity > 0 else query.k


def _falls(
    ensemble: RequestEnsemble | RequestShortlist, history: Past, view: RequestView, best: torch.Tensor, query: ListQuery
) -> torch.Tensor:
    """[min(L, WEIGHED), k] how far the scores of the ``best`` [k] of a view fall without one event of the history.

    The weights stay those of the whole history: without its last event the gap would be another one.
    """
    length, weights = len(history.items), ensemble.weights(history)
    scores = (weights @ view.log_ratios)[best]
    fewer = [history.without(place) for place in range(max(0, length - WEIGHED), length)]
    falls = torch.zeros(len(fewer), len(best))
    for start in range(0, len(fewer), _BEGUN_AT_ONCE):
        block = fewer[start : start + _BEGUN_AT_ONCE]
        for row, (rest, begun) in enumerate(zip(block, ensemble.begin(block), strict=True), start):
            with query.scoring():
                falls[row] = scores - weights @ ensemble.again(rest, view, begun)[:, best]
    return falls


def open_recommender(store: HeadStore) -> Recommender:
    """The stored recommender: nothing is counted, calibrated, weighted or trained.

    Raises HeadStoreError where the record is missing, damaged or of other scorers, FeatureSpaceMismatch where this
    installation reads items otherwise.
    """
    return Recommender.of(open_served(store))


def _largest(parts: Iterable[tuple[Name, float]]) -> tuple[tuple[Name, float], ...]:
    return tuple(sorted(parts, key=lambda part: -part[1]))
