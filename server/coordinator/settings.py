"""What the operator sets for this coordinator: where platforms reach it, and how much it takes from one of them."""

from dataclasses import dataclass

from shared.system.host import is_address, is_host
from shared.system.metrics_port import require_port
from shared.system.settings_file import require


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """The settings file, checked; raises ConfigError for what cannot be."""

    host: str = "0.0.0.0"  # noqa: S104
    """the address that the proxy listens on; the engine itself listens on loopback alone"""
    port: int = 9443
    """the proxy's"""
    names: tuple[str, ...] = ("localhost",)
    """host names and addresses under which platforms reach the proxy; the certificate is made for these"""
    body_mib: int = 512
    """the largest request, in MiB"""
    requests_per_second: float = 100.0
    """of one address, on the long run; four times as many at once"""
    metrics_port: int = 0
    """of loopback, from which Prometheus reads; 0: none"""
    log_mib: int = 10
    """a log is put aside at this size, in MiB, and the one before it is dropped"""

    def __post_init__(self) -> None:
        require("host", is_address(self.host), "an IP address", self.host)
        require("port", 1 <= self.port <= 65535, "from 1 to 65535", self.port)
        require_port(self.metrics_port)
        require("names", bool(self.names), "at least one host name or address", list(self.names))
        for name in self.names:
            require("names", is_host(name), "host names or IP addresses", name)
        for field in ("body_mib", "requests_per_second", "log_mib"):
            require(field, getattr(self, field) > 0, "above 0", getattr(self, field))
