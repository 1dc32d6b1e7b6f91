"""The coordinator's authority and certificate, tried in a real TLS handshake."""

import socket
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.coordinator.certificates import SERVER_DAYS, Issued, expiry, new_authority, server_certificate
from shared.errors import ConfigError

NOW = datetime.now(UTC)


def handshake(folder: Path, issued: Issued, authority: Issued, name: str) -> str:
    """The version that client and server agree on."""
    (folder / "ca.crt").write_bytes(authority.certificate)
    (folder / "server.crt").write_bytes(issued.certificate)
    (folder / "server.key").write_bytes(issued.key)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(folder / "server.crt", folder / "server.key")
    asks = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    asks.verify_flags |= ssl.VERIFY_X509_STRICT
    left, right = socket.socketpair()

    def serve() -> None:
        with right, suppress(OSError):
            served.wrap_socket(right, server_side=True).close()

    thread = threading.Thread(target=serve)
    thread.start()
    with left, asks.wrap_socket(left, server_hostname=name) as connection:
        version = connection.version()
    thread.join()
    assert version is not None
    return version


@pytest.mark.parametrize("name", ["shops.example", "10.0.0.7", "2001:db8::7", "127.0.0.1", "localhost"])
def test_is_trusted_under_every_name_and_on_loopback(tmp_path, name) -> None:
    authority = new_authority(NOW)
    issued = server_certificate(authority, ["shops.example", "10.0.0.7", "2001:db8::7"], NOW)
    assert handshake(tmp_path, issued, authority, name) == "TLSv1.3"


def test_is_not_trusted_under_another_name_or_by_another_authority(tmp_path) -> None:
    authority = new_authority(NOW)
    issued = server_certificate(authority, ["shops.example"], NOW)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(tmp_path, issued, authority, "films.example")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tmp_path, issued, new_authority(NOW), "shops.example")


def test_is_not_trusted_once_it_has_expired_and_says_when_it_does(tmp_path) -> None:
    made = NOW - timedelta(days=SERVER_DAYS + 1)
    authority = new_authority(made)
    issued = server_certificate(authority, ["shops.example"], made)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        handshake(tmp_path, issued, authority, "shops.example")
    assert expiry(tmp_path / "server.crt") == (made + timedelta(days=SERVER_DAYS)).replace(microsecond=0)


def test_a_clock_two_hours_behind_takes_a_new_certificate(tmp_path) -> None:
    made = NOW + timedelta(hours=2)
    authority = new_authority(made)
    assert handshake(tmp_path, server_certificate(authority, ["a.example"], made), authority, "a.example")


def test_names_a_damaged_authority(tmp_path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        server_certificate(Issued(certificate=b"?", key=b"?"), ["a.example"], NOW)
    (tmp_path / "server.crt").write_bytes(b"?")
    with pytest.raises(ConfigError, match="not a certificate"):
        expiry(tmp_path / "server.crt")
