"""Figures are read from a port of loopback, while it is open."""

import socket

import httpx
import pytest
from prometheus_client.core import GaugeMetricFamily

from shared.errors import ConfigError
from shared.system.free_port import free_port
from shared.system.metrics_port import metrics_served
from shared.system.options import MetricsPort


class Grows:
    """Another number at each reading."""

    number = 0

    def collect(self):
        self.number += 1
        yield GaugeMetricFamily("graft_test", "A number.", value=self.number)


def read(port: int) -> list[str]:
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False)
    return [line for line in answer.text.splitlines() if not line.startswith("#")]


def test_each_reading_looks_anew_and_afterwards_nobody_listens() -> None:
    port, figures = free_port(), Grows()
    with metrics_served(port, figures):
        before = figures.number
        assert [read(port), read(port)] == [[f"graft_test {before + 1}.0"], [f"graft_test {before + 2}.0"]]
    with pytest.raises(httpx.ConnectError):
        read(port)


def test_port_0_opens_nothing() -> None:
    figures = Grows()
    with metrics_served(0, figures):
        assert figures.number == 0


def test_a_port_that_is_taken_or_cannot_be_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with (
            pytest.raises(ConfigError, match=r"metrics-port \d+ on .* cannot be had"),
            metrics_served(taken.getsockname()[1], Grows()),
        ):
            pass
    with pytest.raises(ConfigError, match="metrics-port must be from 0 to 65535; got 70000"):
        MetricsPort(metrics_port=70000)


class CutOff:
    def collect(self):
        yield GaugeMetricFamily("graft_test", "Before.", value=1.0)
        raise ValueError("a damaged file")


def test_a_figure_that_cannot_be_had_takes_none_before_it_along() -> None:
    port = free_port()
    with metrics_served(port, CutOff()):
        assert read(port) == ["graft_test 1.0", "graft_metrics_cut_off 1.0"]
