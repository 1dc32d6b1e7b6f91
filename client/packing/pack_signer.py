"""The platform's key for what its devices get, and how many packs it made: a record beside its heads."""

from dataclasses import dataclass

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.store.head_store import HeadStore, StoredRecord
from shared.errors import HeadStoreError

RECORD = "pack-signer"


@dataclass(frozen=True, eq=False, kw_only=True)
class PackSigner:
    """Sealed where the heads are."""

    key: Ed25519PrivateKey
    version: int
    """of the last pack; 0 before the first"""

    @classmethod
    def of(cls, store: HeadStore) -> "PackSigner":
        """The platform's; a new one where there is none yet. Raises StorageError where it is damaged."""
        stored = store.read(RECORD)
        if stored is None:
            return cls(key=Ed25519PrivateKey.generate(), version=0)
        try:
            key = Ed25519PrivateKey.from_private_bytes(stored.arrays["key"].tobytes())
            return cls(key=key, version=int(stored.facts["version"]))
        except (KeyError, TypeError, ValueError) as error:
            raise HeadStoreError(f"head {RECORD!r} is damaged: no key that signs packs") from error

    @property
    def public(self) -> str:
        """64 hexadecimal digits, which devices are told."""
        return self.key.public_key().public_bytes_raw().hex()

    def next(self, least: int = 0) -> "PackSigner":
        """For the next pack; its version is above ``least``, too."""
        return PackSigner(key=self.key, version=max(self.version, least) + 1)

    def write(self, store: HeadStore) -> None:
        """Keep it; raises StorageError."""
        key = np.frombuffer(self.key.private_bytes_raw(), np.uint8)
        store.write(RECORD, StoredRecord(arrays={"key": key}, facts={"version": self.version}))
