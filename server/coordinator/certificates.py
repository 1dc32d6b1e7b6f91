"""The coordinator's own authority and the certificate that it makes for its server (X.509, P-384)."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from shared.errors import ConfigError
from shared.system.host import is_address

AUTHORITY_DAYS, SERVER_DAYS = 3650, 397
_BACKDATED = timedelta(hours=3)
"""so that a platform whose clock is behind takes a new certificate"""


@dataclass(frozen=True)
class Issued:
    """A certificate and its key, both PEM."""

    certificate: bytes
    key: bytes


def new_authority(now: datetime) -> Issued:
    """A self-signed authority for this coordinator alone."""
    key = ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Graft coordinator")])
    builder = (
        _builder(name, name, key.public_key(), now, days=AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    return _issued(builder.sign(key, hashes.SHA384()), key)


def server_certificate(authority: Issued, names: Iterable[str], now: datetime) -> Issued:
    """A certificate for these names and addresses, and for loopback, which ends after ``SERVER_DAYS``.

    Args:
        authority: the coordinator's own authority, which signs it.
        names: host names and IP addresses of the server; ``localhost`` and 127.0.0.1 are added.
        now: the present time; the certificate counts from a few hours before it.

    Returns:
        The certificate and its new key, both PEM.

    Raises:
        ConfigError: if the authority's certificate or key cannot be read, or is not of an elliptic curve.
    """
    try:
        issuer = x509.load_pem_x509_certificate(authority.certificate)
        issuer_key = serialization.load_pem_private_key(authority.key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError("the authority's certificate or key cannot be read") from error
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise ConfigError("the authority's key must be one of an elliptic curve")
    key = ec.generate_private_key(ec.SECP384R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Graft server")])
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = (
        _builder(subject, issuer.subject, key.public_key(), now, days=SERVER_DAYS)
        .add_extension(_alternative_names(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(signer, critical=False)
    )
    return _issued(builder.sign(issuer_key, hashes.SHA384()), key)


def expiry(certificate: Path) -> datetime:
    """When a certificate ends.

    Args:
        certificate: its file, in PEM.

    Returns:
        The time, in UTC.

    Raises:
        ConfigError: if the file cannot be read.
    """
    try:
        return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"{certificate}: not a certificate that can be read") from error


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, *, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _alternative_names(names: Iterable[str]) -> x509.SubjectAlternativeName:
    all_names = dict.fromkeys([*names, "localhost", "127.0.0.1"])
    return x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address(name)) if is_address(name) else x509.DNSName(name) for name in all_names]
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _issued(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Issued:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Issued(certificate=certificate.public_bytes(serialization.Encoding.PEM), key=private)
