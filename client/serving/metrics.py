"""What a serving platform counts, for Prometheus; no user, item or caller is in it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from client.serving.admission import Admission
from client.serving.requests import Counts

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
