"""A file that a platform signs for its devices (Ed25519, RFC 8032): a word for its kind, key, signature, array file.

The signature covers every byte behind it, so nothing is parsed before it is known whose it is.
"""

import hashlib
import mmap
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.errors import PackRefused, os_error_as

PACK, DELTA = b"GRAFTPK1", b"GRAFTPD1"
_WORDS = {PACK: "a catalogue pack", DELTA: "a delta of catalogue packs"}
KEY, SIGNATURE = 32, 64
"""bytes"""
HEAD = len(PACK) + KEY + SIGNATURE
"""bytes before the content"""
_AT_ONCE = 2**20


@dataclass(frozen=True, eq=False, kw_only=True)
class SignedFile:
    """One whose signature holds."""

    kind: bytes
    key: bytes
    """32 bytes of the signer's public key"""
    signature: bytes
    content: memoryview
    """an array file"""


def signed(kind: bytes, digest: bytes, key: Ed25519PrivateKey) -> bytes:
    """The beginning of a signed file.

    Args:
        kind: ``PACK`` or ``DELTA``.
        digest: SHA-256 of the content, 32 bytes.
        key: of the signer.

    Returns:
        What stands before the content, ``HEAD`` bytes.
    """
    public = key.public_key().public_bytes_raw()
    return kind + public + key.sign(_said(kind, digest))


def open_signed(path: Path, key: bytes | None = None) -> SignedFile:
    """Open a signed file; what it says of itself is looked at only once its signature holds.

    Args:
        path: the file; its content stays on the disk until it is touched.
        key: 32 bytes of the only public key that may have signed; None takes any, which its caller has to pin.

    Returns:
        The file.

    Raises:
        PackRefused: if it is no such file, is signed by another key, or one bit of it is another.
    """
    with os_error_as(PackRefused, f"{path}: cannot be read"), path.open("rb") as file:
        head = file.read(HEAD)
        digest = hashlib.sha256()
        while block := file.read(_AT_ONCE):
            digest.update(block)
        kind, signer, signature = require_signed(head, digest.digest(), str(path), key)
        if file.tell() == HEAD:
            raise PackRefused(f"{path}: expected {_WORDS[kind]}; found nothing behind its signature")
        whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    return SignedFile(kind=kind, key=signer, signature=signature, content=whole[HEAD:])


def require_signed(head: bytes, digest: bytes, where: str, key: bytes | None) -> tuple[bytes, bytes, bytes]:
    """Check the beginning of a signed file against its content.

    Args:
        head: its first ``HEAD`` bytes.
        digest: SHA-256 of the content.
        where: what errors call the file.
        key: 32 bytes of the only public key that may have signed; None takes any.

    Returns:
        Its kind, the signer's public key and the signature.

    Raises:
        PackRefused: if the signature does not hold.
    """
    kind, signer, signature = head[: len(PACK)], head[len(PACK) : len(PACK) + KEY], head[len(PACK) + KEY :]
    if kind not in _WORDS or len(head) < HEAD:
        raise PackRefused(f"{where}: expected a catalogue pack or a delta; found a file that begins otherwise")
    if key is not None and signer != key:
        expected = f"expected {_WORDS[kind]} signed by the platform's key {key.hex()}"
        raise PackRefused(f"{where}: {expected}; found one that names the key {signer.hex()}")
    try:
        Ed25519PublicKey.from_public_bytes(signer).verify(signature, _said(kind, digest))
    except (InvalidSignature, ValueError) as error:
        raise PackRefused(
            f"{where}: expected {_WORDS[kind]} with its platform's signature; found one whose signature does not hold, "
            "as of a file that was changed or cut off"
        ) from error
    return kind, signer, signature


def read_key(text: str) -> bytes:
    """A platform's public key as people hand it on: 64 hexadecimal digits; raises PackRefused for anything else."""
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != KEY:
        raise PackRefused("platform-key must be 64 hexadecimal digits, as graft-client pack prints them")
    return key


def _said(kind: bytes, digest: bytes) -> bytes:
    return b"graft-device-file/1\x00" + kind + digest
