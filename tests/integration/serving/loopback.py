"""A service on loopback with TLS and a token, and a caller of both its protocols."""

import datetime as dt
import ipaddress
import re
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from client.recommender.served_head import ServedHead
from client.serving.serve_settings import Limits, ServeSettings
from client.serving.server import Server
from client.serving.tokens import add_token
from client.store.head_store import HeadStore
from shared.serving_api import recommend_pb2_grpc
from tests.integration.commands import start
from tests.unit.client.recommender.served_world import served_world


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Both protocols, over TLS."""

    channel: grpc.Channel
    http: httpx.Client
    token: str

    @property
    def stub(self) -> recommend_pb2_grpc.RecommenderStub:
        return recommend_pb2_grpc.RecommenderStub(self.channel)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.token}"),)

    def call(self, method: str, request, **options):
        """A unary call with the token."""
        return getattr(self.stub, method)(request, metadata=self.metadata, **{"timeout": 20, **options})


def prepared(folder: Path) -> str:
    """Head, token and certificate; returns the token."""
    served_world().write(HeadStore(folder / "heads"))
    return admitted(folder)


def admitted(folder: Path) -> str:
    """Token and certificate; returns the token."""
    certificate, key = self_signed()
    (folder / "tls.crt").write_bytes(certificate)
    (folder / "tls.key").write_bytes(key)
    return add_token(folder / "tokens", "web-shop")


@contextmanager
def serving(
    folder: Path, served: ServedHead | None = None, *, limits: Limits | None = None
) -> Iterator[tuple[Server, Caller]]:
    """The service, in this process, while it lasts; of another head than the usual one where that is ``served``."""
    token = prepared(folder)
    if served is not None:
        served.write(HeadStore(folder / "heads"))
    server = Server(
        ServeSettings(
            heads=folder / "heads",
            tokens=folder / "tokens",
            port=0,
            http_port=0,
            certificate=folder / "tls.crt",
            key=folder / "tls.key",
            limits=limits or Limits(seconds=20),
            watch_seconds=0.1,
        )
    )
    server.start()
    try:
        with calling(folder, server.ports, token) as caller:
            yield server, caller
    finally:
        server.stop()


@contextmanager
def process_of(folder: Path, token: str, *options: object) -> Iterator[tuple[subprocess.Popen[str], Caller]]:
    """``graft-client serve`` as a process of its own while it lasts."""
    arguments = ["--heads", folder / "heads", "--tokens", folder / "tokens", "--port", 0, "--http-port", 0]
    arguments += ["--certificate", folder / "tls.crt", "--key", folder / "tls.key", "--seconds", 30]
    process = start("graft-client", "serve", *arguments, *options)
    try:
        line = process.stdout.readline() if process.stdout else ""
        ports = [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", line)]
        with calling(folder, (ports[0], ports[1]), token) as caller:
            yield process, caller
    finally:
        process.kill()
        process.wait()


@contextmanager
def calling(folder: Path, ports: tuple[int, int], token: str) -> Iterator[Caller]:
    """A caller who trusts the service's certificate."""
    credentials = grpc.ssl_channel_credentials((folder / "tls.crt").read_bytes())
    headers = {"Authorization": f"Bearer {token}"}
    http = httpx.Client(base_url=f"https://127.0.0.1:{ports[1]}", verify=trusting(folder), headers=headers)
    with grpc.secure_channel(f"127.0.0.1:{ports[0]}", credentials) as channel, http:
        http.timeout = httpx.Timeout(20)
        yield Caller(channel=channel, http=http, token=token)


def trusting(folder: Path) -> ssl.SSLContext:
    """What trusts the service's certificate."""
    return ssl.create_default_context(cafile=str(folder / "tls.crt"))


def self_signed() -> tuple[bytes, bytes]:
    """A certificate for 127.0.0.1 and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private
