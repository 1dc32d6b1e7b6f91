"""A port of loopback, which no network reaches, from which Prometheus reads a process's counts."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Metric, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from shared.errors import ConfigError, os_error_as
from shared.system.watch import Watch

_LOG = logging.getLogger("graft.metrics")
LOOPBACK = "127.0.0.1"


class Figures(Protocol):
    """What is counted, looked up whenever it is asked for."""

    def collect(self) -> Iterable[Metric]:
        """Families of metrics; no user, item or platform is in them."""
        ...


class _Whatever:
    """Figures up to the first that cannot be had, and then word of that."""

    def __init__(self, figures: Figures) -> None:
        self._figures, self._watch = figures, Watch(_LOG)

    def collect(self) -> Iterator[Metric]:
        """See ``Figures``; a file that cannot be read takes no other figure with it."""
        metrics: list[Metric] = []

        def gather() -> None:
            for metric in self._figures.collect():
                metrics.append(metric)  # noqa: PERF402 (what came before an error counts)

        whole = self._watch.look("metrics", gather)
        yield from metrics
        if not whole:
            yield GaugeMetricFamily("graft_metrics_cut_off", "Some metrics cannot be had; the log says why.", value=1.0)


@contextmanager
def metrics_served(port: int, figures: Figures) -> Iterator[None]:
    """Serve metrics, while it lasts, at a port of loopback.

    Args:
        port: number of the port; 0: nothing is served.
        figures: what is counted, looked up at each request.

    Raises:
        ConfigError: if the port cannot be had, as where it is taken.
    """
    if not port:
        yield
        return
    registry = CollectorRegistry()
    registry.register(_Whatever(figures))
    with os_error_as(ConfigError, f"metrics-port {port} on {LOOPBACK} cannot be had"):
        server, thread = start_http_server(port, addr=LOOPBACK, registry=registry)
    _LOG.info("metrics at http://%s:%d/metrics", LOOPBACK, port)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def labelled(
    kind: type[CounterMetricFamily | GaugeMetricFamily], name: str, words: str, label: str, values: Mapping[str, float]
) -> Metric:
    """A family with a metric for each value of its label.

    Args:
        kind: of the family, a counter or a gauge.
        name: of the family.
        words: its help.
        label: name of the label.
        values: number by value of the label.

    Returns:
        The family.
    """
    family = kind(name, words, labels=[label])
    for of, value in values.items():
        family.add_metric([of], float(value))
    return family


def restarts(processes: Sequence[Mapping[str, Any]], of: str) -> Iterator[Metric]:
    """How often each program that a supervisor keeps running was started again, and which run now.

    Args:
        processes: as a keeper reports them: ``name``, ``restarts`` and ``pid``, which is None where it does not run.
        of: whose programs they are, a word of the metrics' names: ``agent`` or ``server``.

    Yields:
        A counter and a gauge, with the program's name as label.
    """
    again = {str(process["name"]): float(process["restarts"]) for process in processes}
    runs = {str(process["name"]): float(process["pid"] is not None) for process in processes}
    words = "A program was started again."
    yield labelled(CounterMetricFamily, f"graft_{of}_program_restarts", words, "program", again)
    yield labelled(GaugeMetricFamily, f"graft_{of}_program_running", "Whether a program runs.", "program", runs)
