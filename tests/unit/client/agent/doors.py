"""A coordinator's door on loopback: TLS with a certificate of its own authority, and one answer to all."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.agent.door import Door
from server.coordinator.certificates import new_authority, server_certificate
from shared.federation.signatures import TaskSigner, with_public_key
from shared.system.host import Endpoint

NOW = datetime.now(UTC)

TASK_KEY = TaskSigner(Ed25519PrivateKey.generate())


@dataclass(frozen=True)
class Opened:
    """Where it is, and who vouches for it."""

    port: int
    authority: bytes

    def door(self, host: str = "localhost", **further) -> Door:
        """As an agent comes to it."""
        given = {"server": Endpoint(host, self.port), "authority": self.authority, **further}
        return Door(**given)


@contextmanager
def opened(
    folder: Path, *, status: int = 200, age: timedelta = timedelta(), behind: float = 0, host: str = "127.0.0.1"
) -> Iterator[Opened]:
    """Answers with a status, by a clock that is ``behind`` seconds behind; its certificate is so old."""
    authority = new_authority(NOW - age)
    issued = server_certificate(authority, ("localhost",), NOW - age)
    (folder / "server.pem").write_bytes(issued.certificate + issued.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")

    class Answer(BaseHTTPRequestHandler):
        def date_time_string(self, _timestamp=None) -> str:
            return format_datetime(datetime.now(UTC) - timedelta(seconds=behind), usegmt=True)

        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *_) -> None:
            return

    server = ThreadingHTTPServer((host, 0), Answer)
    server.handle_error = lambda *_: None
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Opened(server.server_address[1], with_public_key(authority.certificate, TASK_KEY.public))
    finally:
        server.shutdown()
        server.server_close()
