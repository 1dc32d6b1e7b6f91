"""The key that signs a coordinator's tasks: its public half travels to platforms behind the authority's certificate."""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from server.coordinator.home import ServerHome
from shared.errors import ConfigError, os_error_as
from shared.federation.signatures import TaskSigner, with_public_key
from shared.system.whole_file import write_whole

OWNER_ONLY = 0o600


def ensure_task_key(home: ServerHome) -> bool:
    """Make the key where there is none, and put its public half into the file that platforms are given.

    Whether that file was written anew. Raises ConfigError where the key cannot be read or a file cannot be written.
    """
    with os_error_as(ConfigError, f"{home.task_key}: the key that signs tasks cannot be made"):
        if not home.task_key.exists():
            write_whole(home.task_key, _new_key(), mode=OWNER_ONLY)
        public, before = TaskSigner.read(home.task_key).public, home.authority.read_bytes()
        after = with_public_key(before, public)
        if after != before:
            write_whole(home.authority, after)
        return after != before


def _new_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
