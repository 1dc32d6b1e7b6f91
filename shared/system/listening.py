"""A port that is taken before a server is started on it, so that one which is not free is told in one sentence."""

import socket

from shared.errors import ConfigError


def listening(host: str, port: int, what: str) -> socket.socket:
    """A socket that has taken an address and port.

    Args:
        host: IP address or name; one with a colon is IPv6.
        port: number of the port; 0 for a free one.
        what: what is to listen there, for the error.

    Returns:
        The socket, bound and not yet listening.

    Raises:
        ConfigError: if the port cannot be had; the error names ``what`` cannot listen.
    """
    try:
        opened = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
    except (OSError, OverflowError) as error:
        raise ConfigError(f"{what} cannot listen on {host}:{port}: {error}") from error
    return opened
