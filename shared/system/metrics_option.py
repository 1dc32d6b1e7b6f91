"""The option of a port from which Prometheus reads."""

from dataclasses import dataclass

from shared.system.options import check, option

MOST_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class MetricsPort:
    """Of a program that counts what it does."""

    metrics_port: int = option(
        0, least=0, most=MOST_PORT, flag="", help="Port of loopback from which Prometheus reads; 0: none."
    )

    def __post_init__(self) -> None:
        check(self)
