"""Servers for tests of fetching: an HTTPS one whose answers a test chooses, with an authority of its own."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from client.releases.source import Source
from server.coordinator.certificates import new_authority, server_certificate

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def https_source(folder: Path, answer: Answer) -> Iterator[Source]:
    """A source at ``/releases/``; ``folder`` is for its certificate."""
    authority = new_authority(datetime.now(UTC))
    issued = server_certificate(authority, ["localhost"], datetime.now(UTC))
    (folder / "server.crt").write_bytes(issued.certificate)
    (folder / "server.key").write_bytes(issued.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(answer))
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        trust = ssl.create_default_context(cadata=authority.certificate.decode())
        address = f"https://localhost:{server.server_address[1]}/releases/"
        yield Source(name="https://mirror.example", address=address, trust=trust)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(answer: Answer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def sends(content: bytes, *, ranges: bool = True) -> Answer:
    """The content, or from a byte on where that is asked for."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range", "")
        begin = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and ranges else 0
        if begin and begin >= len(content):
            request.send_response(416)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        request.send_response(206 if begin else 200)
        if begin:
            request.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        request.send_header("Content-Length", str(len(content) - begin))
        request.end_headers()
        request.wfile.write(content[begin:])

    return answer


@contextmanager
def connect_proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy that lets through what it is asked to connect to; its address, and what it was asked."""
    asked: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                threading.Thread(target=_let_through, args=(near, asked), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
    finally:
        listener.close()


def _let_through(near: socket.socket, asked: list[str]) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        head += near.recv(4096)
    asked.append(head.split(b"\r\n")[0].decode())
    host, _, port = head.split()[1].decode().rpartition(":")
    with socket.create_connection((host, int(port))) as far, near:
        near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=_copy, args=(far, near), daemon=True)
        back.start()
        _copy(near, far)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
