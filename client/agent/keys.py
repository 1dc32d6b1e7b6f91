"""A platform's key pair: P-384 in OpenSSH's form, which is what Flower's engine takes."""

from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True)
class KeyPair:
    """Both halves as they stand in files."""

    private: bytes
    public: bytes


def new_key_pair() -> KeyPair:
    """A new pair; the private half has no passphrase, since the agent starts without anybody there."""
    key = ec.generate_private_key(ec.SECP384R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return KeyPair(private=private, public=public + b"\n")
