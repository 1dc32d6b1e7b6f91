"""A repository of releases whose every key and file a test holds: it can be honest, and be each kind of attacker."""

import copy
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Role, Root, Snapshot, Targets, Timestamp
from tuf.api.serialization.json import JSONSerializer

from client.releases.source import Source
from shared.encoder.encoder import Encoder
from shared.releases.statement import signed_statement
from shared.releases.targets import KINDS, STATEMENT_KEY, target_name, target_of
from tests.unit.shared.releases.release_samples import manifest_of

ROLES = (Root.type, Timestamp.type, Snapshot.type, Targets.type)
_COMPACT = JSONSerializer(compact=False)


class HostileRepository:
    """The repository as its owner has it; ``write`` puts it where platforms look."""

    def __init__(self, folder: Path, *, targets_keys: int = 1, targets_threshold: int = 1) -> None:
        self.folder = folder
        self.keys = {role: [CryptoSigner.generate_ed25519()] for role in ROLES}
        self.keys[Targets.type] = [CryptoSigner.generate_ed25519() for _ in range(targets_keys)]
        self.statement_key = Ed25519PrivateKey.generate()
        self.expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
        self.root = Root(version=1, expires=self.expires, consistent_snapshot=True)
        for role, signers in self.keys.items():
            for signer in signers:
                self.root.add_key(signer.public_key, role)
        self.root.roles[Targets.type] = Role(
            [signer.public_key.keyid for signer in self.keys[Targets.type]], targets_threshold
        )
        self.targets = Targets(version=1, expires=self.expires)
        self.snapshot = Snapshot(version=1, expires=self.expires)
        self.timestamp = Timestamp(version=1, expires=self.expires)
        for place in (self.metadata_folder, self.targets_folder):
            place.mkdir(parents=True)
        self._save(f"{self.root.version}.root.json", self.signed(self.root))

    @property
    def metadata_folder(self) -> Path:
        """Where metadata lie."""
        return self.folder / "metadata"

    @property
    def targets_folder(self) -> Path:
        """Where the releases' files lie."""
        return self.folder / "targets"

    @property
    def source(self) -> Source:
        """The repository as a folder."""
        return Source(name="mirror", address=f"file://{self.folder}/")

    @property
    def root_bytes(self) -> bytes:
        """What a platform pins."""
        return (self.metadata_folder / "1.root.json").read_bytes()

    def publish(
        self, number: int, encoder: Encoder, path: Path, *, key: Ed25519PrivateKey | None = None, **changes: Any
    ) -> None:
        """Add a release.

        Args:
            number: its version.
            encoder: the encoder.
            path: its file.
            key: signs the statement; None: the repository's own.
            changes: of the manifest.
        """
        own = {"parent": number - 1 or None, "expires": self.expires, **changes}
        manifest = manifest_of(path, encoder, **{"version": number, **own})
        statement = signed_statement(manifest, key or self.statement_key)
        self.add(number, {"encoder": path.read_bytes(), "manifest": manifest.to_bytes(), "statement": statement})

    def add(self, version: int, contents: Mapping[str, bytes]) -> None:
        """Add the three files of a release, whatever they are, and write."""
        for kind in KINDS:
            target = target_of(version, kind, contents[kind])
            self.targets.targets[target.path] = target
            (self.targets_folder / f"{target.hashes['sha256']}.{target.path}").write_bytes(contents[kind])
        self.write()

    def write(self, **signers: Any) -> None:
        """Next versions of targets, snapshot and timestamp.

        Args:
            signers: by role, whose keys sign in the place of its own.
        """
        self.targets.unrecognized_fields[STATEMENT_KEY] = self.statement_key.public_key().public_bytes_raw().hex()
        targets = self._next(self.targets, **signers)
        self.snapshot.meta["targets.json"] = _described(targets, self.targets.version)
        snapshot = self._next(self.snapshot, **signers)
        self.timestamp.snapshot_meta = _described(snapshot, self.snapshot.version)
        self._next(self.timestamp, **signers)

    def rotate(self, role: str) -> None:
        """Another key for a role, by a new root that the old root's keys sign too."""
        before = self.keys[Root.type]
        for signer in self.keys[role]:
            self.root.revoke_key(signer.public_key.keyid, role)
        self.keys[role] = [CryptoSigner.generate_ed25519()]
        self.root.add_key(self.keys[role][0].public_key, role)
        self.root.version += 1
        signers = before if role != Root.type else [*before, *self.keys[role]]
        self._save(f"{self.root.version}.root.json", self.signed(self.root, signers))

    def target_file(self, version: int, kind: str) -> Path:
        """Where a release's file lies."""
        name = target_name(version, kind)  # type: ignore[arg-type]
        return self.targets_folder / f"{self.targets.targets[name].hashes['sha256']}.{name}"

    def signed(self, part: Any, signers: list[CryptoSigner] | None = None) -> bytes:
        """A role's metadata as they are written."""
        metadata = Metadata(copy.deepcopy(part))
        for signer in self.keys[part.type] if signers is None else signers:
            metadata.sign(signer, append=True)
        return metadata.to_bytes(_COMPACT)

    def _next(self, part: Any, **signers: Any) -> bytes:
        part.version += 1
        part.expires = self.expires
        content = self.signed(part, signers.get(part.type))
        name = f"{part.type}.json" if part.type == Timestamp.type else f"{part.version}.{part.type}.json"
        self._save(name, content)
        return content

    def _save(self, name: str, content: bytes) -> None:
        (self.metadata_folder / name).write_bytes(content)


def _described(content: bytes, version: int) -> MetaFile:
    return MetaFile.from_data(version, content, ["sha256"])


def same_document(content: bytes, other: bytes) -> bool:
    """Whether two texts are the same metadata: digits of signatures may be written large or small."""
    try:
        return bool(json.loads(content.lower()) == json.loads(other.lower()))
    except ValueError:
        return False
