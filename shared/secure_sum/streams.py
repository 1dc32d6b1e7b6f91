"""Keys derived from keys (HKDF-SHA256, RFC 5869), streams from keys (ChaCha20, RFC 8439), keys agreed (X25519)."""

import hashlib

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.errors import WireError

KEY = 32
"""bytes of every key, seed and digest"""
_BEGIN = b"graft-secure-sum/1\x00"
_ANY = X25519PrivateKey.from_private_bytes(bytes(range(KEY)))


def derived(secret: bytes, purpose: bytes, context: bytes = b"") -> bytes:
    """A key for one purpose, from a secret.

    Args:
        secret: what it is derived from, as a key or what two parties share.
        purpose: a word.
        context: names set-up, sum and parties; empty where the purpose says enough.

    Returns:
        32 bytes.
    """
    info = _BEGIN + purpose + b"\x00" + context
    return HKDF(algorithm=SHA256(), length=KEY, salt=None, info=info).derive(secret)


def digest(purpose: bytes, content: bytes) -> bytes:
    """SHA-256 for one purpose.

    Args:
        purpose: a word.
        content: all bytes that count.

    Returns:
        32 bytes.
    """
    return hashlib.sha256(_BEGIN + purpose + b"\x00" + content).digest()


def stream(key: bytes, size: int) -> bytes:
    """Bytes of ChaCha20's key stream; a key makes one stream, so that its nonce is 0.

    Args:
        key: 32 bytes, for this stream alone.
        size: how many bytes.

    Returns:
        The first ``size`` bytes of the stream.
    """
    return Cipher(ChaCha20(key, bytes(16)), mode=None).encryptor().update(bytes(size))


def private_key(secret: bytes) -> X25519PrivateKey:
    """The X25519 private key of any 32 bytes."""
    return X25519PrivateKey.from_private_bytes(secret)


def public_half(secret: bytes) -> bytes:
    """32 bytes, the public half of that key."""
    return private_key(secret).public_key().public_bytes_raw()


def agreed(private: X25519PrivateKey, public: bytes) -> bytes:
    """What two parties share by X25519.

    Args:
        private: the private key of one.
        public: 32 bytes, the public key of the other.

    Returns:
        32 bytes, the same for both.

    Raises:
        WireError: if the public key gives all of them the same.
    """
    try:
        return private.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:
        raise WireError("expected an X25519 public key of full order; found another") from error


def require_full_order(public: bytes) -> None:
    """Check an X25519 public key.

    Args:
        public: 32 bytes of the key.

    Raises:
        WireError: if it gives everybody the same secret: one that any private key shows.
    """
    agreed(_ANY, public)
