"""Names and addresses of machines, as they are written in settings."""

import ipaddress
import re
from typing import NamedTuple

from shared.errors import ConfigError
from shared.system.options import MOST_PORT

_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")


class Endpoint(NamedTuple):
    """A port of a machine."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Endpoint":
        """Read ``HOST:PORT``, an IPv6 address in brackets; raises ConfigError for anything else."""
        host, colon, port = text.rpartition(":")
        bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        known = is_address(bare) if bare != host else is_host(bare) and ":" not in bare
        if not colon or not known or not port.isascii() or not port.isdigit():
            raise ConfigError(f"expected HOST:PORT, as in shops.example:9443; got {text!r}")
        if not 1 <= int(port) <= MOST_PORT:
            raise ConfigError(f"expected a port of 1 to {MOST_PORT}; got {text!r}")
        return cls(bare, int(port))

    def __str__(self) -> str:
        """What ``parse`` reads."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_address(text: str) -> bool:
    """Whether it is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_host(text: str) -> bool:
    """Whether it is an address or could be the name of a host."""
    return is_address(text) or _HOST_NAME.fullmatch(text) is not None


def is_loopback(text: str) -> bool:
    """Whether it names this machine to itself alone: ``localhost``, or an address of loopback."""
    return text == "localhost" or (is_address(text) and ipaddress.ip_address(text).is_loopback)


def check_address(key: str, host: str) -> None:
    """Check that a text is an IP address.

    Args:
        key: the option's name, for the error.
        host: the text.

    Raises:
        ConfigError: if it is anything else; the error names the option.
    """
    if not is_address(host):
        raise ConfigError(f"{key} must be an IP address; got {host!r}")
