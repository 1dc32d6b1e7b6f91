"""A recording proxy between a platform's SuperNode and the coordinator: TLS ends here, so it reads what is sent.

The SuperNode trusts the recorder's own authority. Its requests bear a signed time, not a signature over their bodies,
so the coordinator takes them from the recorder as from the platform.
"""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.coordinator.certificates import new_authority, server_certificate
from shared.system.free_port import free_port

OWN = {"host", "content-length", "transfer-encoding", "connection"}
"""headers of one connection"""
SECONDS = 120.0


@dataclass(frozen=True)
class Recorder:
    """Where it listens, whom to trust, and what came."""

    port: int
    authority: Path
    requests: list[tuple[str, bytes]] = field(default_factory=list)
    """path, and all bytes of head and body"""

    def taken(self) -> list[tuple[str, bytes]]:
        """What came since it was last asked."""
        count = len(self.requests)
        found, self.requests[:count] = self.requests[:count], []
        return found


@contextmanager
def recording(folder: Path, coordinator: int, coordinator_authority: Path) -> Iterator[Recorder]:
    """A recorder before the coordinator at this port of loopback, while it lasts."""
    issued = new_authority(datetime.now(UTC))
    certificate = server_certificate(issued, (), datetime.now(UTC))
    made = Recorder(port=free_port(), authority=folder / "recorder-ca.crt")
    made.authority.write_bytes(issued.certificate)
    (folder / "recorder.crt").write_bytes(certificate.certificate)
    (folder / "recorder.key").write_bytes(certificate.key)
    trust = ssl.create_default_context(cafile=str(coordinator_authority))
    client = httpx.AsyncClient(base_url=f"https://localhost:{coordinator}", verify=trust, timeout=SECONDS)
    server = uvicorn.Server(
        uvicorn.Config(
            _app(made, client),
            port=made.port,
            ssl_certfile=str(folder / "recorder.crt"),
            ssl_keyfile=str(folder / "recorder.key"),
            log_level="warning",
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield made
    finally:
        server.should_exit = True
        thread.join()


def _app(recorder: Recorder, coordinator: httpx.AsyncClient) -> Starlette:
    async def passed_on(request: Request) -> Response:
        body, path = await request.body(), request.url.path
        head = b"\n".join(name + b": " + value for name, value in request.headers.raw)
        recorder.requests.append((path, head + b"\n\n" + body))
        headers = {name: value for name, value in request.headers.items() if name not in OWN}
        try:
            answer = await coordinator.request(request.method, path, headers=headers, content=body)
        except httpx.HTTPError:
            return Response(status_code=503)
        kept = {name: value for name, value in answer.headers.items() if name not in {*OWN, "content-encoding"}}
        return Response(answer.content, answer.status_code, kept)

    return Starlette(routes=[Route("/{path:path}", passed_on, methods=["GET", "POST"])])
