"""One sealed record: AES-256-GCM over its content, with its name, version and key's number as associated data.

A sealed record is a line of JSON (the header, which GCM authenticates whole), a nonce of 12 random bytes and the
ciphertext with its tag (NIST SP 800-38D). Random nonces allow 2³² records under one data key before a repeat becomes
likelier than 2⁻³² (SP 800-38D, 8.3).
"""

import json
import os
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import VaultError

FORMAT = "graft-vault/1"
NONCE, TAG, KEY = 12, 16, 32
"""lengths in bytes"""
_LONGEST_HEADER = 512


@dataclass(frozen=True, kw_only=True)
class Header:
    """What is authenticated, and readable without a key."""

    name: str
    version: int
    """1 for a record's first content; each replacement adds 1"""
    key: int
    """number of the data key"""
    size: int
    """of the content, in bytes"""

    def to_line(self) -> bytes:
        """As the first line of the file."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True).encode("utf-8") + b"\n"


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """A header and what only its data key opens; never mistaken for plain bytes."""

    header: Header
    body: bytes
    """nonce, ciphertext and tag"""

    def to_bytes(self) -> bytes:
        """As it lies on the disk."""
        return self.header.to_line() + self.body

    @classmethod
    def from_bytes(cls, content: bytes, name: str) -> "Sealed":
        """Read a sealed record; nothing is decrypted.

        Args:
            content: the bytes of its file.
            name: the record that it must have been sealed as.

        Returns:
            header and body.

        Raises:
            VaultError: if it is cut off, of another format, or sealed as another record than ``name``.
        """
        line, end, body = content[:_LONGEST_HEADER].partition(b"\n")
        header = _header(line, name) if end else None
        if header is None:
            raise VaultError(f"record {name!r} is damaged: it does not begin as a sealed record does")
        body = content[len(line) + 1 :]
        if len(body) != NONCE + header.size + TAG:
            expected = f"expected {header.size} bytes of content, found {max(0, len(body) - NONCE - TAG)}"
            raise VaultError(f"record {name!r} is damaged: {expected}")
        if header.name != name:
            raise VaultError(f"record {name!r} was swapped: what lies in its place was sealed as {header.name!r}")
        return cls(header=header, body=body)


def seal(key: bytes, header: Header, content: bytes) -> Sealed:
    """Seal a content under a data key.

    Args:
        key: data key of 32 bytes.
        header: name, version and key's number, which the seal binds to the content.
        content: what is sealed.

    Returns:
        header and ciphertext, with a nonce of its own.
    """
    nonce = os.urandom(NONCE)
    return Sealed(header=header, body=nonce + AESGCM(key).encrypt(nonce, content, header.to_line()))


def unseal(key: bytes, sealed: Sealed) -> bytes:
    """The content of a sealed record.

    Args:
        key: data key of 32 bytes under which it was sealed.
        sealed: header and ciphertext.

    Returns:
        the content.

    Raises:
        VaultError: if one bit of header or body is another.
    """
    try:
        return AESGCM(key).decrypt(sealed.body[:NONCE], sealed.body[NONCE:], sealed.header.to_line())
    except InvalidTag as error:
        raise VaultError(f"record {sealed.header.name!r} is damaged: its seal is broken") from error


def _header(line: bytes, name: str) -> Header | None:
    """The header of a line, or None where it is none."""
    try:
        fields: dict[str, Any] = json.loads(line)
        record_format = fields.pop("format")
        header = Header(**fields)
        whole = all(type(value) is int and value >= 0 for value in (header.version, header.key, header.size))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if record_format != FORMAT:
        raise VaultError(f"record {name!r} has another format than {FORMAT}")
    return header if whole and type(header.name) is str else None
