"""The file of the coordinator's authority: one certificate that is good now, and no key beside it."""

from datetime import datetime
from pathlib import Path

from cryptography import x509

from shared.errors import ConfigError, os_error_as


def read_authority(path: Path, *, now: datetime) -> bytes:
    """Read the file of the coordinator's authority.

    Args:
        path: of the certificate, as PEM.
        now: when it must be good.

    Returns:
        the file's content.

    Raises:
        ConfigError: if the file is anything but an authority's certificate that is good now.
    """
    with os_error_as(ConfigError, f"{path}: the authority's certificate cannot be read"):
        content = path.read_bytes()
    if b"PRIVATE KEY" in content:
        raise ConfigError(f"{path}: expected the authority's certificate as PEM; got a private key")
    try:
        certificate = x509.load_pem_x509_certificate(content)
    except ValueError as error:
        raise ConfigError(f"{path}: expected the authority's certificate as PEM") from error
    if not _signs(certificate):
        raise ConfigError(f"{path}: expected an authority's certificate; got one that signs no other")
    if certificate.not_valid_after_utc < now:
        ended = f"{certificate.not_valid_after_utc:%Y-%m-%d}"
        raise ConfigError(f"{path}: expected a certificate that is good now; this one ended on {ended}")
    return content


def _signs(certificate: x509.Certificate) -> bool:
    """Whether it may sign others; where it does not say, whether it has signed itself."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return certificate.issuer == certificate.subject
