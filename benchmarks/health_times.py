"""How long health takes, asked for again and again by a process that does nothing else."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from multiprocessing import get_context
from multiprocessing.connection import Connection

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

PAUSE = 0.02
"""seconds between two checks"""
PATIENCE = 30.0
"""seconds after which a check has failed; it counts as that long"""


@contextmanager
def health_times(http_port: int, grpc_port: int = 0, authority: str = "") -> Iterator[list[float]]:
    """Seconds of each check while it lasts; they are there at its end.

    Over HTTP on a new connection each time, with TLS where there is an ``authority``; in turns with it over gRPC, on
    one connection, where there is a ``grpc_port``.
    """
    seconds: list[float] = []
    ours, others = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_ask, args=(others, http_port, grpc_port, authority))
    process.start()
    ours.recv()
    try:
        yield seconds
    finally:
        ours.send(None)
        seconds.extend(ours.recv())
        process.join()


def _ask(connection: Connection, http_port: int, grpc_port: int, authority: str) -> None:
    trusting = ssl.create_default_context(cafile=authority) if authority else None
    checks: list[Callable[[], None]] = [lambda: _over_http(http_port, trusting)]
    if grpc_port:
        stub = health_pb2_grpc.HealthStub(grpc.insecure_channel(f"127.0.0.1:{grpc_port}"))
        checks.append(lambda: stub.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE))
    for check in checks:
        check()
    connection.send(None)
    seconds = []
    for check in cycle(checks):
        if connection.poll(PAUSE):
            break
        seconds.append(_seconds(check))
    connection.send(seconds)


def _seconds(check: Callable[[], None]) -> float:
    began = time.perf_counter()
    try:
        check()
    except (OSError, grpc.RpcError):
        return PATIENCE
    return time.perf_counter() - began


def _over_http(port: int, trusting: ssl.SSLContext | None) -> None:
    """Raises OSError where it is not answered; a coordinator without an engine answers that it is starting."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain:
        if trusting is not None:
            with trusting.wrap_socket(plain, server_hostname="127.0.0.1") as secured:
                _answered(secured, "/health")
        else:
            _answered(plain, "/v1/health")


def _answered(connection: socket.socket, path: str) -> None:
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    if not connection.recv(1000).startswith((b"HTTP/1.1 200", b"HTTP/1.1 503")):
        raise OSError("no answer")
