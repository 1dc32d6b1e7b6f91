"""What both protocols do alike: a request is admitted, measured, answered; who calls is known by his token."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from client.recommender.growth import NewItem
from client.serving.requests import REQUESTS_AT_ONCE, Counts, Feedback, ListAnswer, ListRequest, check_count
from client.serving.serve_settings import LONGEST, Limits
from client.serving.service import RecommendService
from client.serving.tokens import Tokens
from shared.errors import NothingToRecommend, Overloaded, TooLate

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Admission:
    """A door for requests; first come need not be first served."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits, self._clock = limits, clock
        self._free = threading.Semaphore(limits.workers)
        self._lock = threading.Lock()
        self._inside = 0

    @property
    def inside(self) -> int:
        """Requests under way and waiting."""
        return self._inside

    @contextmanager
    def enter(self, seconds: float | None) -> Iterator[None]:
        """Hold a worker; ``seconds`` are left to the request, the usual time where None.

        Raises Overloaded where too many wait already, TooLate where the time is over before a worker is free.
        """
        until = self._clock() + (self.limits.seconds if seconds is None else min(seconds, LONGEST))
        with self._counted():
            if not self._free.acquire(timeout=max(0.0, until - self._clock())):
                raise TooLate("the deadline passed before it was the request's turn")
            try:
                yield
            finally:
                self._free.release()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            if self._inside >= self.limits.workers + self.limits.waiting:
                raise Overloaded("too many requests are under way; try again later")
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1


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
        inside = Gauge("graft_requests_inside", "Requests under way and waiting.", registry=of)
        inside.set_function(lambda: admission.inside)

    @contextmanager
    def measured(self, method: str, protocol: str) -> Iterator[None]:
        """Time a request and count its outcome by the name of what it raised."""
        began, outcome = time.perf_counter(), "ok"
        try:
            yield
        except Exception as error:
            outcome = type(error).__name__
            raise
        finally:
            self._seconds.labels(method, protocol).observe(time.perf_counter() - began)
            self._requests.labels(method, protocol, outcome).inc()

    def reported(self, method: str, counts: Counts) -> None:
        """Count what was accepted and what was known already."""
        self._reports.labels(method, "accepted").inc(counts.accepted)
        self._reports.labels(method, "repeated").inc(counts.repeated)

    def swapped(self, outcome: str) -> None:
        """Count a new head."""
        self._swaps.labels(outcome).inc()

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self.registry)


Result = TypeVar("Result")


class Front:
    """The service behind its door. ``protocol`` is for the metrics; ``seconds`` are left to the request."""

    def __init__(self, service: RecommendService, tokens: Tokens, limits: Limits) -> None:
        self.service, self.tokens = service, tokens
        self.admission = Admission(limits)
        self.metrics = ServingMetrics(self.admission)

    def recommend(self, request: Callable[[], ListRequest], protocol: str, seconds: float | None) -> ListAnswer:
        """Raises RequestError where there is no list."""
        return self._done("recommend", protocol, seconds, lambda: self.service.recommend(request()))

    def recommend_batch(
        self, requests: Callable[[], Sequence[ListRequest]], protocol: str, seconds: float | None
    ) -> list[ListAnswer | NothingToRecommend]:
        """Each request's list, or why there is none."""

        def work() -> list[ListAnswer | NothingToRecommend]:
            wanted = requests()
            check_count("requests", len(wanted), REQUESTS_AT_ONCE, 1)
            return [self._listed(one) for one in wanted]

        return self._done("recommend-batch", protocol, seconds, work)

    def report(self, events: Callable[[], Sequence[Feedback]], protocol: str, seconds: float | None) -> Counts:
        """Feedback, durable on return."""
        return self._counted("feedback", protocol, seconds, lambda: self.service.report(events()))

    def upsert(self, items: Callable[[], Sequence[NewItem]], protocol: str, seconds: float | None) -> Counts:
        """Items, in the lists on return."""
        return self._counted("upsert", protocol, seconds, lambda: self.service.upsert(items()))

    def forget(self, user: str, protocol: str, seconds: float | None) -> Counts:
        """A user's events, gone on return."""
        return self._counted("forget", protocol, seconds, lambda: self.service.forget(user))

    def _listed(self, request: ListRequest) -> ListAnswer | NothingToRecommend:
        try:
            return self.service.recommend(request)
        except NothingToRecommend as refusal:
            return refusal

    def _counted(self, method: str, protocol: str, seconds: float | None, work: Callable[[], Counts]) -> Counts:
        counts = self._done(method, protocol, seconds, work)
        self.metrics.reported(method, counts)
        return counts

    def _done(self, method: str, protocol: str, seconds: float | None, work: Callable[[], Result]) -> Result:
        with self.metrics.measured(method, protocol), self.admission.enter(seconds):
            return work()
