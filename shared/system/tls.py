"""A server's certificate and key, as TLS takes them."""

import ssl
from pathlib import Path

from shared.errors import ConfigError, os_error_as


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A server's TLS, with its certificate and key.

    Args:
        certificate: file of the certificate, as PEM.
        key: file of its key, as PEM, without a passphrase.

    Returns:
        The context, for a server.

    Raises:
        ConfigError: if a file cannot be read, or they are not a certificate and its key.
    """
    for file in (certificate, key):
        with os_error_as(ConfigError, f"{file}: cannot be read"):
            file.read_bytes()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except ssl.SSLError as error:
        raise ConfigError(
            f"{certificate} and {key}: expected a certificate and its key, without a passphrase, as PEM"
        ) from error
    return context
