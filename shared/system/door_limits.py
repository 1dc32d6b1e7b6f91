"""What one caller of an HTTP server of ours may hold, and for how long."""

from dataclasses import dataclass

from shared.system.options import Checked, option


@dataclass(frozen=True, kw_only=True)
class DoorLimits(Checked):
    """Of one server; raises ConfigError where a value makes no sense."""

    connections: int = option(
        2000, least=1, most=100_000, help="Connections open at once; beyond it, an idle one makes room."
    )
    header_seconds: float = option(10.0, above=0, help="Seconds for TLS, and for the headers of a request, to arrive.")
    idle_seconds: float = option(
        30.0, above=0, help="Seconds without a byte of a body that arrives, or of an answer that is taken."
    )
    body_seconds: float = option(3600.0, above=0, help="Seconds for a whole body to arrive.")
    least_kib_per_second: float = option(
        1.0, above=0, help="KiB per second of a body that arrives, on average; it counts after idle-seconds."
    )
