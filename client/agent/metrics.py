"""What an agent tells Prometheus: answers, bytes, restarts, whether it is connected; nothing of the platform's data."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import psutil
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from client.agent.connection import SUPERNODE
from client.agent.home import AgentHome, AgentSettings
from client.guard.ledger import Ledger, LedgerLine
from shared.system.host import Endpoint
from shared.system.metrics_port import labelled, restarts

HELD_BACK = "held-back"
REFUSALS = ("declined", "failed")


@dataclass(frozen=True, kw_only=True)
class AgentMetrics:
    """Looked up in the agent's ledger and in the supervisor's report at each reading."""

    home: AgentHome
    settings: AgentSettings
    report: Callable[[], Mapping[str, Any]]

    def collect(self) -> Iterator[Metric]:
        """One family after the other."""
        processes = self.report().get("processes", [])
        yield from restarts(processes, "agent")
        connected = any(
            _connected(process["pid"], self._port()) for process in processes if process["name"] == SUPERNODE
        )
        yield GaugeMetricFamily(
            "graft_agent_connected", "Whether it holds a connection to the coordinator.", value=float(connected)
        )
        yield from _answers(Ledger(self.home.ledger).lines()[0] if self.home.ledger.exists() else [])

    def _port(self) -> int:
        """Of the coordinator, or of the way out to it."""
        proxy = self.settings.http_proxy
        return (urlsplit(proxy).port or 80) if proxy else Endpoint.parse(self.settings.server).port


def _answers(lines: list[LedgerLine]) -> Iterator[Metric]:
    done: Counter[str] = Counter(dict.fromkeys(("moments", "train", "evaluate"), 0))
    done.update(line.task for line in lines if line.kind and line.kind not in REFUSALS)
    yield labelled(CounterMetricFamily, "graft_agent_tasks_done", "Tasks answered with a result.", "task", done)
    refused: Counter[str] = Counter({HELD_BACK: 0})
    refused.update(HELD_BACK if line.held_back else line.code for line in lines if line.kind in ("", *REFUSALS))
    yield labelled(
        CounterMetricFamily, "graft_agent_tasks_refused", "Tasks answered with a code, or held back.", "code", refused
    )
    sent = CounterMetricFamily("graft_agent_bytes_out", "Bytes of answers that left.")
    sent.add_metric([], sum(line.bytes for line in lines if not line.held_back))
    yield sent
    rounds = [datetime.fromisoformat(line.time).timestamp() for line in lines if line.kind == "train-reply"]
    since = time.time() - max(rounds) if rounds else float("nan")
    yield GaugeMetricFamily("graft_agent_last_round_age_seconds", "Since the last update left.", value=since)


def _connected(pid: int | None, port: int) -> bool:
    if pid is None:
        return False
    with suppress(psutil.Error):
        return any(
            connection.status == psutil.CONN_ESTABLISHED and connection.raddr and connection.raddr.port == port
            for connection in psutil.Process(pid).net_connections(kind="inet")
        )
    return False
