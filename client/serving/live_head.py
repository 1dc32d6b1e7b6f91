"""The head that answers now: immutable, so that a request that began under it ends under it."""

import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from client.data.feedback import MET, FeedbackKind
from client.recommender.catalogue_update import NewItem, fitting, with_items
from client.recommender.recommender import Asked, ListQuery, Recommendation, Recommender
from client.recommender.request_ensemble import Begun
from client.recommender.served_head import ServedHead
from client.recommender.stored_texts import StoredIds
from client.serving.id_form import IdForm
from client.serving.requests import Feedback, ListAnswer, ListedItem, ListRequest
from shared.errors import NothingToRecommend

_LOG = logging.getLogger(__name__)
_NO_VECTOR = "%s reported items are left out: the head needs vectors of %d numbers; upsert them with such a vector"
REASONS = 3
"""Scorers and items of the history that are named."""


@dataclass(frozen=True, eq=False, kw_only=True)
class AskedList:
    """A list that a caller wants."""

    asked: Asked
    unknown: int
    """items of the session that the catalogue lacks"""


@dataclass(frozen=True, eq=False, kw_only=True)
class LiveHead:
    """A served head, opened."""

    served: ServedHead
    recommender: Recommender
    name: str
    """tells two fits apart"""
    lasting_name: str
    """tells two fits apart, and stays when a user is forgotten"""
    fitted_items: int
    """rows of the catalogue that were there at the fit; what came since stands behind them"""
    form: IdForm
    """of the ids at the fit"""
    early: dict[tuple[str, bool], list[float]] = field(default_factory=dict)
    """items that the catalogue lacks, met or (True) shown, with the times, which count once it has them"""

    @classmethod
    def of(cls, served: ServedHead, items: Sequence[NewItem] = ()) -> "LiveHead":
        """With items that were taken in before, under whichever head; the log says how many do not fit this one.

        Args:
            served: the head as it is stored.
            items: reported ones, the latest version of each.

        Returns:
            The opened head, its name that of the fit.

        Raises:
            HeadStoreError: if this installation has other scorers.
        """
        form = IdForm.of(served)
        fitting_items = fitting(served, [form.new_item(item) for item in items])
        if len(fitting_items) < len(items):
            _LOG.warning(_NO_VECTOR, f"{len(items) - len(fitting_items):,}", served.space.dim)
        grown = with_items(served, fitting_items)
        fitted = len(served.items.item_ids)
        return cls(
            served=grown,
            recommender=Recommender.of(grown),
            name=head_name(served),
            lasting_name=lasting_name(served),
            fitted_items=fitted,
            form=form,
        )

    def with_items(self, items: Sequence[NewItem]) -> "LiveHead":
        """The same fit over a larger catalogue, before anything is counted on.

        Raises InvalidRequest where an item cannot be read.
        """
        grown = with_items(self.served, items)
        return replace(self, served=grown, recommender=Recommender.of(grown, self.recommender), early={})

    def carry_on(self, before: "LiveHead") -> None:
        """Go on from what was counted under the smaller catalogue, where nothing is counted meanwhile."""
        self.recommender.carry_on(before.recommender)
        for (item, shown), times in before.early.items():
            self._count(((item, at) for at in times), shown=shown)

    def count(self, events: Sequence[Feedback]) -> None:
        """Events since the fit, each once; those on items that the catalogue lacks count once it has them."""
        self._count((event.item, event.time) for event in events if event.kind in MET)
        self._count(((event.item, event.time) for event in events if event.kind is FeedbackKind.SHOWN), shown=True)

    def _count(self, events: Iterable[tuple[str, float]], *, shown: bool = False) -> None:
        """Items with the times at which they were met or ``shown``."""
        row_of = self.recommender.row_of_item
        known = []
        for item, at in events:
            if item in row_of:
                known.append((row_of[item], at))
            else:
                self.early.setdefault((item, shown), []).append(at)
        if known:
            rows, times = zip(*known, strict=True)
            self.recommender.count(np.array(rows, np.int32), np.array(times, np.float64), shown=shown)

    def asked(
        self,
        request: ListRequest,
        past: tuple[NDArray[np.int32], NDArray[np.float64], int],
        disliked: Sequence[str],
        scoring: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> "AskedList":
        """A request as the recommender takes it.

        Args:
            request: what is wanted, its ids in the form of the fit.
            past: rows [L] of the catalogue, times [L] in seconds since 1970, and how many items are unknown, as
                ``Histories.of`` has them.
            disliked: ids of items that the user does not want.
            scoring: each pass over the catalogue is within one; it may end the work by raising.

        Returns:
            What ``answer`` answers.
        """
        history, times, unknown = past
        query = ListQuery(
            k=request.k,
            allowed=self._allowed(request, disliked),
            diversity=request.diversity,
            reasons=request.reasons,
            scoring=scoring,
            moment=request.as_of,
            basket=len(set(request.session) & self.recommender.row_of_item.keys()) if request.basket else 0,
        )
        return AskedList(asked=Asked(history=history, query=query, times=times), unknown=unknown)

    def begin(self, requests: Sequence["AskedList"]) -> list[Begun | None]:
        """What some lists share; for each what ``answer`` goes on from."""
        return self.recommender.begin([request.asked for request in requests])

    def answer(self, request: "AskedList", begun: Begun | None = None) -> ListAnswer:
        """The list, which is not empty.

        Args:
            request: what is asked for.
            begun: what ``begin`` gave for it; None: nothing was begun.

        Returns:
            The list and what it rests on.

        Raises:
            NothingToRecommend: if no item is allowed.
        """
        recommendations = self.recommender.answer(request.asked, begun)
        if not recommendations:
            raise NothingToRecommend("the request allows no item of the catalogue; its categories may hold none")
        items = tuple(self._listed(recommendation) for recommendation in recommendations)
        basis = self.recommender.basis(request.asked.history, request.asked.query)
        return ListAnswer(items=items, basis=basis, unknown_items=request.unknown, head=self.name)

    def _allowed(self, request: ListRequest, disliked: Sequence[str]) -> NDArray[np.bool_] | None:
        """[n]; None where all are."""
        row_of = self.recommender.row_of_item
        unwanted = [row_of[item] for item in (*request.exclude, *disliked) if item in row_of]
        if not unwanted and not request.categories:
            return None
        allowed = np.ones(len(row_of), bool)
        if request.categories:
            allowed[:] = False
            rows = self.recommender.rows_of_category
            for category in request.categories:
                allowed[rows.get(category, [])] = True
        allowed[unwanted] = False
        return allowed

    def _listed(self, recommendation: Recommendation) -> ListedItem:
        items = self.served.items
        return ListedItem(
            item=items.item_ids[recommendation.item],
            title=items.texts[recommendation.item],
            score=recommendation.score,
            scorers=recommendation.scorers[:REASONS],
            history=tuple((items.item_ids[row], fall) for row, fall in recommendation.history[:REASONS]),
            history_titles=tuple(items.texts[row] for row, _ in recommendation.history[:REASONS]),
        )


def lasting_name(served: ServedHead) -> str:
    """Twelve digits of a hash over weights, encoders and catalogue."""
    return _fitted(served).hexdigest()[:12]


def head_name(served: ServedHead) -> str:
    """Twelve digits of a hash over weights, encoders, catalogue and number of events."""
    digest = _fitted(served)
    digest.update(str(len(served.users.sequences.items)).encode())
    return digest.hexdigest()[:12]


def _fitted(served: ServedHead) -> "hashlib._Hash":
    """Over weights, encoders and catalogue."""
    digest = hashlib.sha256(served.head.weights.tobytes())
    for name, part in sorted(served.parts.encoders.items()):
        digest.update(name.encode() + part.encoder.flat.tobytes())
    if served.basket is not None:
        digest.update(served.basket.head.weights.tobytes())
    if served.parts.own is not None:
        digest.update(served.parts.own.kept.encoder.flat.tobytes())
    ids = served.items.item_ids
    digest.update(
        ids.hashes.tobytes() if isinstance(ids, StoredIds) else "\0".join(ids).encode("utf-8", "surrogatepass")
    )
    return digest
