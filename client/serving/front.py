"""What both protocols do alike: a request is admitted, measured, answered; who calls is known by their token."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from client.adaptation.intervals import Figure
from client.adaptation.team_draft import CHALLENGER, CHAMPION
from client.recommender.catalogue_update import NewItem
from client.serving.admission import OVERLOADED, Admission, Turn
from client.serving.requests import REQUESTS_AT_ONCE, Counts, Feedback, ListAnswer, ListRequest, check_count
from client.serving.serve_settings import Limits
from client.serving.service import RecommendService
from client.serving.tokens import Tokens
from shared.errors import NothingToRecommend, Overloaded, Shed, TooLate
from shared.system.watch import Watch

BOUNDS = ("value", "low", "high")
"""of a figure and its interval"""
SATISFACTION_SECONDS = 60.0
"""between two times that satisfaction is told anew"""
SWAPS = ("ok", "failed")
"""outcomes of a new head; counted from 0 on, so that the first of them is an increase"""
SIDES = {CHAMPION: "served", CHALLENGER: "challenger"}
"""of a duel, in words"""
OUTCOMES = ("ok", *(error.__name__ for error in (Overloaded, Shed, TooLate)))
"""of a request, which are counted from 0 on for each method"""
_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class ServingMetrics:
    """Counters of one process, in a registry of their own."""

    def __init__(self, admission: Admission) -> None:
        self.registry = CollectorRegistry()
        of = self.registry
        labels = ("method", "protocol")
        self._requests = Counter("graft_requests", "Requests by outcome.", (*labels, "outcome"), registry=of)
        self._seconds = Histogram("graft_request_seconds", "Time to answer.", labels, registry=of, buckets=_SECONDS)
        self._reports = Counter("graft_reports", "Events and items reported.", ("method", "what"), registry=of)
        self._swaps = Counter("graft_head_swaps", "New heads by outcome.", ("outcome",), registry=of)
        for outcome in SWAPS:
            self._swaps.labels(outcome)
        self._duels = Counter(
            "graft_duels", "Duels of a challenger with the served head, by winner.", ("winner",), registry=of
        )
        for words in SIDES.values():
            self._duels.labels(words)
        self._satisfaction = Gauge(
            "graft_satisfaction",
            "What users make of lists, by measure, with 95 % intervals.",
            ("measure", "users", "bound"),
            registry=of,
        )
        inside = Gauge("graft_requests_inside", "Requests under way and waiting.", registry=of)
        inside.set_function(lambda: admission.inside)

    def begins(self, method: str, protocol: str) -> None:
        """Count the usual outcomes of a method from 0 on.

        Args:
            method: label of what may be asked.
            protocol: label of how it may come.
        """
        for outcome in OUTCOMES:
            self._requests.labels(method, protocol, outcome)

    @contextmanager
    def measured(self, method: str, protocol: str) -> Iterator[None]:
        """Time a request and count its outcome by the name of what it raised.

        Args:
            method: label of what was asked.
            protocol: label of how it came.

        Returns:
            A context, in which the request is worked on; what is raised in it goes on.
        """
        began, outcome = time.perf_counter(), "ok"
        try:
            yield
        except Exception as error:
            outcome = type(error).__name__
            raise
        finally:
            self._seconds.labels(method, protocol).observe(time.perf_counter() - began)
            self._requests.labels(method, protocol, outcome).inc()

    @contextmanager
    def refusals(self, method: str, protocol: str) -> Iterator[None]:
        """Count a request that ends here by what it raised; one that goes on is measured later.

        Args:
            method: label of what was asked.
            protocol: label of how it came.

        Returns:
            A context, in which the request may be refused; what is raised in it goes on.
        """
        try:
            yield
        except Exception as error:
            self._requests.labels(method, protocol, type(error).__name__).inc()
            raise

    def reported(self, method: str, counts: Counts) -> None:
        """Count what was accepted, what was known already, and what concerns an item that is not there.

        Args:
            method: label of what was asked.
            counts: what became of the reports.
        """
        self._reports.labels(method, "accepted").inc(counts.accepted)
        self._reports.labels(method, "repeated").inc(counts.repeated)
        self._reports.labels(method, "unknown-item").inc(len(counts.unknown_events))

    def swapped(self, outcome: str) -> None:
        """Count a new head.

        Args:
            outcome: ``ok`` or ``failed``.
        """
        self._swaps.labels(outcome).inc()

    def satisfied(self, figures: Mapping[tuple[str, str], Figure]) -> None:
        """Tell what users make of their lists.

        Args:
            figures: by measure and slice.
        """
        self._satisfaction.clear()
        for (measure, users), figure in figures.items():
            for bound in BOUNDS:
                self._satisfaction.labels(measure, users, bound).set(getattr(figure, bound))

    def settled(self, winner: str) -> None:
        """Count a duel that is won.

        Args:
            winner: the side.
        """
        self._duels.labels(SIDES[winner]).inc()

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self.registry)


Result = TypeVar("Result")
LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Call:
    """How a request came, and who waits for its answer."""

    protocol: str
    """for the metrics"""
    seconds: float | None = None
    """left to it; None where its caller names no deadline"""
    waits: Callable[[], bool] = lambda: True
    """whether the caller still does"""


@dataclass(frozen=True, kw_only=True)
class Health:
    """Whether the service answers, and what is not as it should be."""

    serving: bool
    head: str
    since: float
    """when this head began to answer here, in seconds since 1970"""
    watched: tuple[str, ...]
    """what is looked at again and again"""
    troubles: Mapping[str, str]
    """of that, what fails now, and why; empty where all is well"""


class Front:
    """The service behind its door; what it is asked is read once the request has a worker."""

    def __init__(self, service: RecommendService, tokens: Tokens, limits: Limits) -> None:
        self.service, self.tokens = service, tokens
        self.admission = Admission(limits)
        self.metrics = ServingMetrics(self.admission)
        self.watch = Watch(LOG)
        self.satisfaction: Mapping[tuple[str, str], Figure] = {}
        """as it was told last, by measure and slice"""
        self._told_at = -math.inf

    def health(self) -> Health:
        """Waits for nobody."""
        watch = self.watch
        return Health(
            serving=not self.tokens.void,
            head=self.service.head,
            since=self.service.since,
            watched=watch.names,
            troubles=watch.troubles,
        )

    def tell_satisfaction(self) -> None:
        """Tell what users make of their lists anew, where that was told a minute ago or never."""
        now = time.monotonic()
        if now - self._told_at >= SATISFACTION_SECONDS:
            self._told_at = now
            self.satisfaction = self.service.satisfaction()
            self.metrics.satisfied(self.satisfaction)

    def require_room(self, method: str, call: Call) -> None:
        """Refuse a request that had better not even be read.

        Args:
            method: label of what was asked.
            call: how it came.

        Raises:
            Overloaded: if too many wait already.
            Shed: if the deadline would pass before its turn.
        """
        with self.metrics.refusals(method, call.protocol):
            self.admission.require_room(call.seconds)

    def turn_away(self, method: str, protocol: str) -> NoReturn:
        """Count a request for which nothing is free, and refuse it.

        Args:
            method: label of what was asked.
            protocol: label of how it came.

        Raises:
            Overloaded: always.
        """
        with self.metrics.refusals(method, protocol):
            raise Overloaded(OVERLOADED)

    def recommend(self, request: Callable[[], ListRequest], call: Call) -> ListAnswer:
        """A list.

        Args:
            request: reads the request, once it has a worker.
            call: how it came.

        Returns:
            The list, which is not empty.

        Raises:
            RequestError: if there is no list.
        """

        def work(turn: Turn) -> ListAnswer:
            list_request = request()
            turn.expect(self.service.scorings([list_request]))
            return self.service.recommend(list_request, turn)

        return self._done("recommend", call, work)

    def recommend_batch(
        self, requests: Callable[[], Sequence[ListRequest]], call: Call
    ) -> list[ListAnswer | NothingToRecommend]:
        """Each request's list, or why there is none.

        Args:
            requests: reads the requests, once they have a worker.
            call: how they came.

        Returns:
            One answer a request, in their order.

        Raises:
            RequestError: if the batch as a whole is refused.
        """

        def work(turn: Turn) -> list[ListAnswer | NothingToRecommend]:
            list_requests = requests()
            check_count("requests", len(list_requests), REQUESTS_AT_ONCE, 1)
            turn.expect(self.service.scorings(list_requests))
            return self.service.recommend_batch(list_requests, turn)

        return self._done("recommend-batch", call, work)

    def report(self, events: Callable[[], Sequence[Feedback]], call: Call) -> Counts:
        """Feedback, durable on return.

        Args:
            events: reads the events, once the request has a worker.
            call: how they came.

        Returns:
            What became of them.

        Raises:
            RequestError: if they are refused.
            JournalError: if they cannot be kept.
        """
        return self._counted("feedback", call, lambda turn: self.service.report(events(), turn))

    def upsert(self, items: Callable[[], Sequence[NewItem]], call: Call) -> Counts:
        """Items, in the lists on return.

        Args:
            items: reads the items, once the request has a worker.
            call: how they came.

        Returns:
            What became of them.

        Raises:
            RequestError: if they are refused.
            JournalError: if they cannot be kept.
        """
        return self._counted("upsert", call, lambda turn: self.service.upsert(items(), turn))

    def forget(self, user: Callable[[], str], call: Call) -> Counts:
        """A user's events, gone on return.

        Args:
            user: reads the user's id, once the request has a worker.
            call: how it came.

        Returns:
            How many events were removed.

        Raises:
            RequestError: if the request is refused.
            JournalError: if that cannot be kept.
            StorageError: if the record cannot be read or written.
        """
        return self._counted("forget", call, lambda turn: self.service.forget(user(), turn))

    def _counted(self, method: str, call: Call, work: Callable[[Turn], Counts]) -> Counts:
        counts = self._done(method, call, work)
        self.metrics.reported(method, counts)
        return counts

    def _done(self, method: str, call: Call, work: Callable[[Turn], Result]) -> Result:
        with self.metrics.measured(method, call.protocol), self.admission.enter(call.seconds, call.waits) as turn:
            return work(turn)
