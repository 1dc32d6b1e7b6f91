"""A platform's service as one process: both protocols, and a watch for new heads and tokens."""

import gc
import logging
import ssl
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import torch
import uvicorn
from threadpoolctl import threadpool_limits

from client.recommender.served_head import RECORD
from client.serving.front import Front
from client.serving.grpc_service import Address, GrpcServer
from client.serving.head_watch import HeadWatch
from client.serving.http_gateway import http_app
from client.serving.private_folder import only_service, open_private_folder
from client.serving.serve_settings import ServeSettings
from client.serving.service import RecommendService
from client.serving.tokens import Tokens
from shared.errors import ConfigError, os_error_as
from shared.system.doorkeeper import LOOP, Doorkeeper, guarded
from shared.system.listening import listening
from shared.system.metrics_port import metrics_served
from shared.system.open_files import many_open_files
from shared.system.tls import tls_context

LOG = logging.getLogger(__name__)
SWITCH_SECONDS = 0.001
"""that a thread computes on while another waits for the interpreter: a fifth of Python's own, so that whoever answers
health waits less each time that it comes back from the network"""
GRACE = 30.0
"""Seconds that requests under way have when the service stops."""


class Server:
    """Started once, stopped once."""

    def __init__(self, settings: ServeSettings) -> None:
        """Open the head and take the ports; raises GraftError where that fails."""
        torch.set_num_threads(1)
        # numpy read its number of threads before anybody could say it; those it has besides spin between two requests
        threadpool_limits(1, user_api="blas")
        private = open_private_folder(settings.heads, settings.vault_key)
        self._alone = ExitStack()
        self._alone.enter_context(only_service(settings.heads))
        self._settings = settings
        many_open_files()
        self._journal = private.journal()
        limits, tls, served = settings.limits, _tls(settings), private.heads.stamp(RECORD)
        tokens = Tokens(settings.tokens, limits.token_hold)
        self.front = Front(RecommendService(private.heads, self._journal), tokens, limits)
        self._alone.enter_context(metrics_served(settings.metrics_port, self.front.metrics.registry))
        self._heads = HeadWatch(private.heads, self.front, served)
        certificate, key = _read(settings.certificate), _read(settings.key)
        address = Address(host=settings.host, port=settings.port, certificate=certificate, key=key)
        self._grpc = GrpcServer(self.front, address, settings.door)
        self._socket = listening(settings.host, settings.http_port, "the HTTP gateway")
        self._http = uvicorn.Server(
            uvicorn.Config(
                http_app(self.front, settings.door),
                loop=LOOP,
                http=guarded(Doorkeeper(settings.door), tls),  # type: ignore[arg-type]
                backlog=settings.door.connections,
                proxy_headers=False,
                log_config=None,
                access_log=False,
                ws="none",
                server_header=False,
                timeout_graceful_shutdown=int(GRACE),
            )
        )
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._http.run, kwargs={"sockets": [self._socket]}, name="http"),
            threading.Thread(target=self._watch, name="watch", daemon=True),
        ]

    @property
    def ports(self) -> tuple[int, int]:
        """Of gRPC and of HTTP."""
        return self._grpc.port, int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Answer from now on; returns once both protocols do. Raises ConfigError where HTTP does not start."""
        sys.setswitchinterval(SWITCH_SECONDS)
        gc.collect()
        gc.freeze()  # catalogue, head and libraries stay; looking through them again would hold up every request
        self._grpc.start()
        for thread in self._threads:
            thread.start()
        while not self._http.started:
            if not self._threads[0].is_alive():
                raise ConfigError("the HTTP gateway did not start; its certificate and key may not belong together")
            time.sleep(0.01)

    def stop(self) -> None:
        """End without dropping a request that is under way."""
        LOG.info("stopping; requests under way: %d", self.front.admission.inside)
        self._stopped.set()
        self._http.should_exit = True
        self._grpc.stop(GRACE)
        LOG.info("gRPC has stopped")
        self._threads[0].join(GRACE)
        LOG.info("HTTP has stopped")
        self._journal.close()
        self._alone.close()

    def _watch(self) -> None:
        while not self._stopped.wait(self._settings.watch_seconds):
            self._look()

    def _look(self) -> None:
        """Each thing that may change; what fails is told in log and health, and keeps none of the others from it."""
        watch = self.front.watch
        watch.look("tokens", self.front.tokens.reload)
        watch.look("head", self._heads.look)
        watch.look("challenger", self._heads.look_at_challenger)
        watch.look("satisfaction", self.front.tell_satisfaction)
        watch.look("journal", self.front.service.check)
        watch.look("grpc", self._grpc.look)


def _tls(settings: ServeSettings) -> ssl.SSLContext | None:
    if settings.certificate is None or settings.key is None:
        return None
    return tls_context(settings.certificate, settings.key)


def _read(file: Path | None) -> bytes:
    if file is None:
        return b""
    with os_error_as(ConfigError, f"{file}: cannot be read"):
        return file.read_bytes()
