"""Servers for tests of fetching: an HTTPS one whose answers a test chooses, with an authority of its own."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
