"""An agent's key pair: by the public half the coordinator knows the platform, the private one never leaves it."""

from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from client.agent.home import AgentHome
from shared.errors import ConfigError, os_error_as


@dataclass(frozen=True)
class KeyPair:
    """Both halves as they stand in files."""

    private: bytes
    public: bytes


def new_key_pair(name: str) -> KeyPair:
    """A new pair whose public half bears the platform's name as its comment.

    The private half has no passphrase, since the agent starts without anybody there.
    """
    key = ec.generate_private_key(ec.SECP384R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    return KeyPair(private=private, public=_public(key) + f" {name}\n".encode("ascii"))


def require_key_pair(home: AgentHome) -> None:
    """Raises ConfigError where a half is missing or cannot be read, or the two are not of one pair."""
    private, public = _content(home.key), _content(home.public_key)
    try:
        key = serialization.load_ssh_private_key(private, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"{home.key}: expected the agent's private key") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or public.split()[:2] != _public(key).split():
        raise ConfigError(f"{home.public_key}: not the public half of {home.key.name}")


def _public(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)


def _content(path: Path) -> bytes:
    with os_error_as(ConfigError, f"{path}: the agent's key cannot be read"):
        return path.read_bytes()
