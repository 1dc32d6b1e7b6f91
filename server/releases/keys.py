"""The keys of releases: one Ed25519 key a file, for its owner alone, in folders of which some may lie off line.

A file is named after what its key signs and the key's id; ids are those of TUF. Who may sign stands in TUF's root, so a
file that root does not name signs nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.signer import CryptoSigner, SSlibKey

from shared.errors import ConfigError, os_error_as
from shared.system.whole_file import write_whole

OWNER_ONLY = 0o600
STATEMENT = "statement"
"""signs what a release says of itself; no role of TUF's"""
_ID_SHOWN = 8


@dataclass(frozen=True, eq=False)
class ReleaseKey:
    """One key, with its private half."""

    private: Ed25519PrivateKey
    public: SSlibKey

    @classmethod
    def of(cls, private: Ed25519PrivateKey) -> "ReleaseKey":
        """With its public half as TUF writes it."""
        return cls(private, SSlibKey.from_crypto(private.public_key()))

    @property
    def signer(self) -> CryptoSigner:
        """What signs TUF's metadata."""
        return CryptoSigner(self.private, self.public)

    @property
    def hex(self) -> str:
        """Its public half, 64 hexadecimal digits."""
        return self.private.public_key().public_bytes_raw().hex()


class KeyFolders:
    """Where keys are looked for; what is made anew is written to the first folder."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Read all keys.

        Args:
            folders: at least one; the first need not be there yet.

        Raises:
            ConfigError: if a further folder is not there, or a file is no key.
        """
        self.folders = tuple(folders)
        if missing := [folder for folder in self.folders[1:] if not folder.is_dir()]:
            raise ConfigError(f"{missing[0]}: expected a folder with keys; found none")
        paths = [path for folder in self.folders for path in sorted(folder.glob("*.pem"))]
        self._keys = {key.public.keyid: (key, path) for path in paths for key in [_read(path)]}

    def have(self, ids: Iterable[str]) -> list[ReleaseKey]:
        """Those of the keys that are here."""
        return [self._keys[key_id][0] for key_id in ids if key_id in self._keys]

    def require(self, role: str, ids: Sequence[str], threshold: int) -> list[ReleaseKey]:
        """Those of a role's keys that are here.

        Args:
            role: what they sign.
            ids: of all of its keys.
            threshold: how many must sign.

        Returns:
            At least ``threshold`` keys.

        Raises:
            ConfigError: if fewer are here; it names the files that are missing.
        """
        here = self.have(ids)
        if len(here) >= threshold:
            return here
        absent = ", ".join(file_name(role, key_id) for key_id in ids if key_id not in self._keys)
        raise ConfigError(
            f"expected {threshold} of the {len(ids)} keys of {role}; found {len(here)} in "
            f"{', '.join(map(str, self.folders))}, without {absent}: name the folder that holds more with --keys"
        )

    def statement(self, public: bytes) -> ReleaseKey:
        """The key of statements by the 32 bytes of its public half; raises ConfigError where it is not here."""
        return self.require(STATEMENT, [id_of(public)], 1)[0]

    def new(self, role: str) -> ReleaseKey:
        """A new key, written down before it signs anything; raises ConfigError where that is not possible."""
        key = ReleaseKey.of(Ed25519PrivateKey.generate())
        folder = self.folders[0]
        path = folder / file_name(role, key.public.keyid)
        content = key.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with os_error_as(ConfigError, f"{path}: the key cannot be written"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(path, content, mode=OWNER_ONLY)
        self._keys[key.public.keyid] = (key, path)
        return key

    def forget(self, ids: Iterable[str]) -> list[Path]:
        """Remove the files of keys that count no longer, where they are here; raises ConfigError."""
        paths = [self._keys.pop(key_id)[1] for key_id in list(ids) if key_id in self._keys]
        for path in paths:
            with os_error_as(ConfigError, f"{path}: the key counts no longer and cannot be removed"):
                path.unlink(missing_ok=True)
        return paths


def file_name(role: str, key_id: str) -> str:
    """Of a key's file.

    Args:
        role: what it signs.
        key_id: TUF's.

    Returns:
        Such as ``root-1a2b3c4d.pem``.
    """
    return f"{role}-{key_id[:_ID_SHOWN]}.pem"


def id_of(public: bytes) -> str:
    """TUF's id of a public key of 32 bytes."""
    return str(SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(public)).keyid)


def _read(path: Path) -> ReleaseKey:
    with os_error_as(ConfigError, f"{path}: the key cannot be read"):
        content = path.read_bytes()
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path}: expected an Ed25519 key as PEM without a password; found something else")
    return ReleaseKey.of(key)
