"""Tasks are signed by the coordinator's key (Ed25519; RFC 8032), for one platform each.

A signature covers all records of a task, by name, and the registered name of the platform that it is for. What is
signed is one digest of the content, so that platforms which get the same content cost one digest and a signature each.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from flwr.app import ArrayRecord, ConfigRecord, RecordDict

from shared.errors import ConfigError, TaskUnsigned, os_error_as
from shared.federation.wire_records import SIGNATURE

_BY = "ed25519"
_BEGIN = b"graft-task/1\x00"
_PUBLIC = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----\n?", re.DOTALL)


class TaskSigner:
    """The coordinator's private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def read(cls, path: Path) -> "TaskSigner":
        """Read the key that signs tasks.

        Args:
            path: file of the private key, Ed25519 as PEM, without a passphrase.

        Returns:
            The signer.

        Raises:
            ConfigError: if the file cannot be read or holds no such key.
        """
        with os_error_as(ConfigError, f"{path}: the key that signs tasks cannot be read"):
            content = path.read_bytes()
        try:
            key = serialization.load_pem_private_key(content, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ConfigError(f"{path}: expected the key that signs tasks, Ed25519 as PEM") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigError(f"{path}: expected an Ed25519 key; got one of another kind")
        return cls(key)

    @property
    def public(self) -> bytes:
        """The public half as PEM."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._key.public_key().public_bytes(serialization.Encoding.PEM, form)

    @property
    def fingerprint(self) -> str:
        """As platforms show it."""
        return fingerprint(self._key.public_key())

    def signature(self, digest: bytes, platform: str) -> ConfigRecord:
        """The signature of a content, for one platform.

        Args:
            digest: 32 bytes of the content (``content_digest``).
            platform: registered name of the platform that the task is for.

        Returns:
            The record that goes beside the others, under the name ``SIGNATURE``.
        """
        return ConfigRecord({_BY: self._key.sign(_signed(digest, platform)).hex()})


def content_digest(content: RecordDict) -> bytes:
    """32 bytes over all records but the signature; raises TaskUnsigned for records that no task has."""
    rows = [[name, *_row(record)] for name, record in sorted(content.items()) if name != SIGNATURE]
    try:
        return hashlib.sha256(json.dumps(rows, sort_keys=True).encode("utf-8")).digest()
    except (TypeError, ValueError, RecursionError) as error:
        raise TaskUnsigned("the task holds what no signature covers") from error


def require_signed(content: RecordDict, platform: str, key: Ed25519PublicKey) -> None:
    """Check that a task is signed for a platform.

    Args:
        content: all records of the task, its signature among them.
        platform: registered name of the platform that reads it.
        key: the coordinator's public key, as this platform has it.

    Raises:
        TaskUnsigned: if the content is not signed by this key for this platform, or holds records that no task has.
    """
    record = content.get(SIGNATURE)
    signature = record.get(_BY) if isinstance(record, ConfigRecord) and set(record) == {_BY} else None
    if not isinstance(signature, str):
        raise TaskUnsigned("the task is not signed, and this platform has the coordinator's key")
    try:
        key.verify(bytes.fromhex(signature), _signed(content_digest(content), platform))
    except (InvalidSignature, ValueError) as error:
        raise TaskUnsigned(
            f"the task's signature is not the coordinator's for the platform {platform}: another key, other content, "
            "or enrolled under another name"
        ) from error


def public_key_of(content: bytes) -> Ed25519PublicKey | None:
    """The key in a PEM file that may hold certificates too; None where there is none.

    Raises ConfigError for a key of another kind.
    """
    match = _PUBLIC.search(content)
    if match is None:
        return None
    try:
        key = serialization.load_pem_public_key(match[0])
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError("expected the coordinator's Ed25519 key; got a public key that cannot be read") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError("expected the coordinator's Ed25519 key; got a public key of another kind")
    return key


def with_public_key(certificates: bytes, public: bytes) -> bytes:
    """A PEM file with the key behind its certificates, in the place of one that it has.

    Args:
        certificates: the file's content; it may hold a public key.
        public: the key, as PEM.

    Returns:
        The content of the new file.
    """
    return _PUBLIC.sub(b"", certificates) + public


def fingerprint(key: Ed25519PublicKey) -> str:
    """16 hexadecimal digits, which two people can compare."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def _signed(digest: bytes, platform: str) -> bytes:
    return _BEGIN + platform.encode("utf-8") + b"\x00" + digest


def _row(record: Any) -> list[Any]:
    if isinstance(record, ArrayRecord):
        arrays = {
            name: [array.dtype, list(array.shape), array.stype, hashlib.sha256(array.data).hexdigest()]
            for name, array in record.items()
        }
        return ["arrays", arrays]
    return [type(record).__name__, dict(record)]
