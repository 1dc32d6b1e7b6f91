"""The coordinator's key, by which a platform knows its tasks: it lies in the file of the coordinator's certificate."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared.errors import ConfigError, os_error_as
from shared.federation.signatures import public_key_of


def pinned_key(path: str) -> Ed25519PublicKey | None:
    """The coordinator's key by which its tasks are checked.

    Args:
        path: of the file that holds it; empty for none.

    Returns:
        the key; None where no file is named, or the file is of a coordinator that signed nothing yet: tasks are not
        checked.

    Raises:
        ConfigError: if the file cannot be read or the key in it is of another kind.
    """
    if not path:
        return None
    with os_error_as(ConfigError, f"{path}: the coordinator's key cannot be read"):
        content = Path(path).read_bytes()
    try:
        return public_key_of(content)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
