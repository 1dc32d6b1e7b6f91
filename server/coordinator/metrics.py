"""What a coordinator tells Prometheus: platforms, rounds, bytes, failures, restarts; nobody's name is in it."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from server.coordinator.certificates import expiry
from server.coordinator.enrolment import Enrolment
from server.coordinator.home import ServerHome
from server.coordinator.run_book import Run, RunBook
from shared.federation.messages import DeclineReason, FailureCode
from shared.system.metrics_port import labelled, restarts

DAY_SECONDS = 86400
CODES = frozenset(map(str, (*FailureCode, *DeclineReason)))
_DIRECTIONS = {"out": "bytes_down", "in": "bytes_up"}
"""to what a line of a run's history calls its bytes"""
ONLINE = "online"
"""in the supervisor's report: how many platforms the engine calls so"""


@dataclass(frozen=True, kw_only=True)
class ServerMetrics:
    """Looked up in the coordinator's folder at each reading, so that a restart forgets nothing."""

    home: ServerHome
    report: Callable[[], Mapping[str, Any]]
    """what the supervisor last said"""
    now: Callable[[], datetime]

    def collect(self) -> Iterator[Metric]:
        """One family after the other."""
        report = self.report()
        yield _gauge("graft_server_ready", "Whether platforms can join.", bool(report.get("ready")))
        yield from restarts(report.get("processes", []), "server")
        days = (expiry(self.home.certificate) - self.now()).total_seconds() / DAY_SECONDS
        yield _gauge("graft_server_certificate_days", "Days until the certificate expires.", days)
        yield self._platforms(report)
        yield from _runs(RunBook(self.home.runs).runs())

    def _platforms(self, report: Mapping[str, Any]) -> Metric:
        entries = Enrolment(self.home.platforms).read()
        revoked = sum(entry.revoked for entry in entries)
        counts = {"enrolled": len(entries) - revoked, "revoked": revoked, ONLINE: report.get(ONLINE, 0)}
        return labelled(GaugeMetricFamily, "graft_server_platforms", "Platforms by state.", "state", counts)


def _runs(runs: list[Run]) -> Iterator[Metric]:
    states = Counter(run.standing().state for run in runs)
    by_state = {state: states[state] for state in ("queued", "running", "completed", "failed", "stopped")}
    yield labelled(GaugeMetricFamily, "graft_server_runs", "Runs by state.", "state", by_state)
    histories = [run.history() for run in runs]
    newest = histories[-1] if histories else []
    yield _gauge("graft_server_round", "Newest run: rounds done.", runs[-1].rounds_done() if runs else 0)
    yield _gauge("graft_server_rounds_asked", "Newest run: rounds asked for.", runs[-1].config().rounds if runs else 0)
    yield _seconds(newest)
    yield from _totals([record for history in histories for record in history])


def _seconds(history: list[dict[str, Any]]) -> Metric:
    last = {record["kind"]: record["seconds"] for record in history}
    return labelled(GaugeMetricFamily, "graft_server_round_seconds", "The last question of a kind.", "kind", last)


def _totals(records: list[dict[str, Any]]) -> Iterator[Metric]:
    sent = {direction: sum(record[way] for record in records) for direction, way in _DIRECTIONS.items()}
    words = "Bytes of questions (out) and answers (in)."
    yield labelled(CounterMetricFamily, "graft_server_bytes", words, "direction", sent)
    failures, words = dict(sorted(_failures(records).items())), "Questions without a reply that counted."
    yield labelled(CounterMetricFamily, "graft_server_failures", words, "code", failures)


def _failures(records: list[dict[str, Any]]) -> Counter[str]:
    """By the code that the platform gave, or by what the server makes of it; every code is there."""
    counts: Counter[str] = Counter(dict.fromkeys((*sorted(CODES), "dropped", "missing", "engine"), 0))
    for record in records:
        codes = [*record["failed"].values(), *record["declined"].values()]
        counts.update(code if code in CODES else "engine" for code in codes)
        counts.update({"dropped": len(record["dropped"]), "missing": len(record["missing"])})
    return counts


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=float(value))
