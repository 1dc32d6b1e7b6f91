"""The proxy as a process: ``python -m server.proxy HOME ENGINE-PORT``; wiring only."""

import logging
import ssl
import sys
import time
from pathlib import Path

import httpx
import uvicorn

from server.coordinator.home import ServerHome, ServerSettings
from server.proxy.app import Proxy, RateLimit
from server.proxy.release_door import ReleaseDoor
from shared.system.doorkeeper import LOOP, Doorkeeper, guarded
from shared.system.open_files import many_open_files
from shared.system.settings_file import read_settings
from shared.system.tls import tls_context

MIB = 2**20
SECONDS = 120.0
"""for the engine to answer"""


def main() -> None:
    """Serve until SIGTERM."""
    home, port = ServerHome.existing(Path(sys.argv[1])), int(sys.argv[2])
    settings = read_settings(ServerSettings, home.settings)
    many_open_files()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    engine = httpx.AsyncClient(
        base_url=f"https://127.0.0.1:{port}",
        verify=ssl.create_default_context(cafile=str(home.authority)),
        timeout=SECONDS,
        trust_env=False,
        follow_redirects=False,
        limits=httpx.Limits(max_connections=settings.connections),
    )
    proxy = Proxy(
        engine=engine,
        limit=RateLimit(settings.requests_per_second),
        body_bytes=settings.body_mib * MIB,
        now=time.monotonic,
        releases=ReleaseDoor(home.releases),
        arrival=settings,
    )
    keeper = Doorkeeper(settings, settings.address_connections)
    uvicorn.run(
        proxy.app(),
        host=settings.host,
        port=settings.port,
        loop=LOOP,
        http=guarded(keeper, tls_context(home.certificate, home.certificate_key)),  # type: ignore[arg-type]
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
    )


main()
