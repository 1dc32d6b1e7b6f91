"""How slowly a source may send: a lowest rate and a deadline, by which a source that drips bytes is given up."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any

from httpcore import NetworkBackend, NetworkStream, SyncBackend
from tuf.api.exceptions import SlowRetrievalError


@dataclass(frozen=True, kw_only=True)
class Pace:
    """The bounds, of one file."""

    least_rate: float = 1024.0
    """bytes per second, on average since the first"""
    grace_seconds: float = 10.0
    """in which nothing has to come; each single wait is as long at most"""
    deadline_seconds: float = 1800.0
    """for all of it; what has come by then is kept, and the next try goes on from there"""


USUAL = Pace()


class Meter:
    """What has come of one file, since it was asked for."""

    def __init__(self, pace: Pace, clock: Callable[[], float] = time.monotonic) -> None:
        self._pace, self._clock = pace, clock
        self._began, self._bytes = clock(), 0

    def wait_seconds(self, most: float | None = None) -> float:
        """How long the next bytes may take.

        Args:
            most: seconds that are waited at most; None: as the pace says.

        Raises:
            SlowRetrievalError: if the time is over.
        """
        passed = self._clock() - self._began
        if passed >= self._pace.deadline_seconds:
            raise SlowRetrievalError(f"it took longer than {self._pace.deadline_seconds:g} seconds")
        if passed > self._pace.grace_seconds and self._bytes < self._pace.least_rate * passed:
            raise SlowRetrievalError(f"it sends fewer than {self._pace.least_rate:g} bytes a second")
        allowed = min(self._pace.grace_seconds, self._pace.deadline_seconds - passed)
        return allowed if most is None else min(allowed, most)

    def count(self, size: int) -> None:
        """So many bytes have come."""
        self._bytes += size


class MeteredBackend(NetworkBackend):
    """Connections of which each read is metered, those of a TLS handshake and of headers too."""

    def __init__(self, meter: Meter) -> None:
        self._meter, self._backend = meter, SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> NetworkStream:
        """See ``NetworkBackend``.

        Args:
            host: name or address.
            port: of the host.
            timeout: seconds that are waited at most; the meter may allow fewer.
            local_address: from which it connects; None: any.
            socket_options: set on the socket.

        Returns:
            The connection, metered.

        Raises:
            SlowRetrievalError: if the time is over.
        """
        allowed = self._meter.wait_seconds(timeout)
        return _MeteredStream(
            self._backend.connect_tcp(host, port, allowed, local_address, socket_options), self._meter
        )


class _MeteredStream(NetworkStream):
    def __init__(self, stream: NetworkStream, meter: Meter) -> None:
        self._stream, self._meter = stream, meter

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        chunk = self._stream.read(max_bytes, self._meter.wait_seconds(timeout))
        self._meter.count(len(chunk))
        return chunk

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._meter.wait_seconds(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> NetworkStream:
        secure = self._stream.start_tls(ssl_context, server_hostname, self._meter.wait_seconds(timeout))
        return _MeteredStream(secure, self._meter)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
