"""Where and how a platform serves."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.errors import ConfigError
from shared.system.door_limits import DoorLimits
from shared.system.host import is_loopback
from shared.system.options import MOST_PORT, Checked, MetricsPort, group, option

LONGEST = 3600


def _read_path(_key: str, text: object) -> Any:
    return Path(str(text))


@dataclass(frozen=True, kw_only=True)
class Limits(Checked):
    """Of all protocols together; raises ConfigError where a value makes no sense."""

    workers: int = option(2, least=1, most=256, help="Requests worked on at the same time.")
    waiting: int = option(64, least=0, most=4096, help="Requests that may wait for a worker; more are turned away.")
    seconds: float = option(
        2.0, above=0, most=LONGEST, help="A request's deadline in seconds, where its caller names none."
    )
    token_hold: float = option(
        60.0,
        least=0,
        most=LONGEST,
        help="Seconds for which callers are known as before while the token file cannot be read; then nobody is.",
    )


@dataclass(frozen=True, kw_only=True)
class Listening(MetricsPort):
    """Where callers reach the service; raises ConfigError where a value makes no sense."""

    host: str = option("127.0.0.1", help="Where to listen; beyond this machine only with a certificate.")
    port: int = option(50061, least=0, most=MOST_PORT, help="The port of gRPC; 0 takes a free one.")
    http_port: int = option(8061, least=0, most=MOST_PORT, help="The port of HTTP and JSON; 0 takes a free one.")
    certificate: Path | None = option(
        None, read=_read_path, write=str, metavar="FILE", help="PEM, for TLS. Without it callers are on this machine."
    )
    key: Path | None = option(
        None, read=_read_path, write=str, metavar="FILE", help="PEM, of the certificate. Without one: none."
    )
    limits: Limits = group(Limits)
    door: DoorLimits = group(DoorLimits)

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.certificate is None) != (self.key is None):
            raise ConfigError("a certificate needs its key, and a key its certificate")
        if self.certificate is None and not is_loopback(self.host):
            raise ConfigError(
                f"on {self.host} others can listen: give a certificate and its key, or serve on 127.0.0.1"
            )


@dataclass(frozen=True, kw_only=True)
class ServeSettings(Listening):
    """And what is served to whom."""

    heads: Path
    tokens: Path
    vault_key: str = ""
    """what opens the vault in ``heads``, KIND:WHERE; empty: plain files"""
    watch_seconds: float = 1.0
    """between two looks for a new head and new tokens"""
