"""Keys for vaults in tests."""

from pathlib import Path

from client.store.keyring import KeySource, new_key


def key_file(path: Path) -> KeySource:
    """A source that is a new key file."""
    path.write_text(new_key())
    path.chmod(0o600)
    return KeySource(kind="file", where=str(path))
