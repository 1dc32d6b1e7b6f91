"""What a repository says now: root, timestamp, snapshot and targets, each held to the one before it.

The checks are those of TUF 1.0, section 5, but for expiry, which is asked for apart: what has expired can be signed
anew, and what does not hold cannot.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from tuf.api.exceptions import LengthOrHashMismatchError, RepositoryError, UnsignedMetadataError
from tuf.api.metadata import Metadata, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization import DeserializationError

from shared.errors import ReleaseRefused
from shared.releases.targets import Kind, releases_in

TIMESTAMP, ROOT = "timestamp.json", "root.json"
SNAPSHOT_OF, TARGETS_OF = "snapshot.json", "targets.json"
"""names in TUF's lists of metadata; files bear the version before them"""
ROLES = ("root", "targets", "snapshot", "timestamp")
Signed = TypeVar("Signed", Root, Timestamp, Snapshot, Targets)


@dataclass(frozen=True, eq=False, kw_only=True)
class Chain:
    """The four parts, whose signatures hold."""

    root: Metadata[Root]
    timestamp: Metadata[Timestamp]
    snapshot: Metadata[Snapshot]
    targets: Metadata[Targets]

    @property
    def expires(self) -> dict[str, datetime]:
        """When each part's word ends, by role."""
        return {role: getattr(self, role).signed.expires for role in ROLES}

    @property
    def releases(self) -> dict[int, dict[Kind, TargetFile]]:
        """The lowest version first; raises ReleaseRefused where the list is none of releases."""
        return releases_in(self.targets.signed)

    @property
    def current(self) -> int | None:
        """The release that platforms install: the highest version; None where there is none yet."""
        return max(self.releases, default=None)

    def require_fresh(self, now: datetime) -> None:
        """Check that no part has expired.

        Args:
            now: the present time.

        Raises:
            ReleaseRefused: with the code ``expired``; it names the part.
        """
        for role, expires in self.expires.items():
            if now >= expires:
                raise ReleaseRefused(
                    f"{role}: expected a part that has not expired; found one that did on {expires:%Y-%m-%d %H:%M} UTC",
                    code="expired",
                )


def versioned(version: int, name: str) -> str:
    """The file of a part.

    Args:
        version: of the part.
        name: such as ``root.json``.

    Returns:
        Such as ``3.root.json``.
    """
    return f"{version}.{name}"


def read_chain(metadata: Path, pinned: bytes | None = None) -> Chain:
    """Read and check all that a folder of metadata says.

    Args:
        metadata: the folder.
        pinned: content of the root that is trusted before; None: the folder's own first root is.

    Returns:
        The four parts.

    Raises:
        ReleaseRefused: if something does not hold; in one sentence, with its code.
    """
    root = _newest_root(metadata, pinned)
    timestamp = _held(_parsed(metadata / TIMESTAMP, Timestamp), root, "timestamp")
    snapshot_meta = timestamp.signed.snapshot_meta
    snapshot_path = metadata / versioned(snapshot_meta.version, SNAPSHOT_OF)
    snapshot = _held(_parsed(snapshot_path, Snapshot, snapshot_meta.verify_length_and_hashes), root, "snapshot")
    _require_version(snapshot_path, snapshot.signed.version, snapshot_meta.version)
    if TARGETS_OF not in snapshot.signed.meta:
        raise ReleaseRefused(f"{snapshot_path.name}: expected it to name {TARGETS_OF}; found no such", code="metadata")
    targets_meta = snapshot.signed.meta[TARGETS_OF]
    targets_path = metadata / versioned(targets_meta.version, TARGETS_OF)
    targets = _held(_parsed(targets_path, Targets, targets_meta.verify_length_and_hashes), root, "targets")
    _require_version(targets_path, targets.signed.version, targets_meta.version)
    return Chain(root=root, timestamp=timestamp, snapshot=snapshot, targets=targets)


def _newest_root(metadata: Path, pinned: bytes | None) -> Metadata[Root]:
    """Each root is signed by the keys of the one before it and by its own."""
    if pinned is None:
        root = _held_root(metadata, 1, None)
    else:
        root = _read("the pinned root", pinned, Root)
        _held(root, root, "root", "the pinned root")
    while (metadata / versioned(root.signed.version + 1, ROOT)).exists():
        root = _held_root(metadata, root.signed.version + 1, root)
    return root


def _held_root(metadata: Path, version: int, before: Metadata[Root] | None) -> Metadata[Root]:
    path = metadata / versioned(version, ROOT)
    root = _parsed(path, Root)
    _require_version(path, root.signed.version, version)
    for holder in (root,) if before is None else (before, root):
        _held(root, holder, "root", path.name)
    return root


def _held(part: Metadata[Signed], root: Metadata[Root], role: str, name: str = "") -> Metadata[Signed]:
    """The part itself, if enough of the keys that root names for its role have signed it."""
    try:
        root.signed.verify_delegate(role, part.signed_bytes, part.signatures)
    except (UnsignedMetadataError, ValueError) as error:
        keys = root.signed.roles[role]
        raise ReleaseRefused(
            f"{name or f'{role}.json'}: expected signatures by {keys.threshold} of the {len(keys.keyids)} keys that "
            f"root names for {role}; found too few that hold",
            code="signatures",
        ) from error
    return part


def _parsed(path: Path, kind: type[Signed], check: Callable[[bytes], None] | None = None) -> Metadata[Signed]:
    try:
        content = path.read_bytes()
        if check is not None:
            check(content)
    except OSError as error:
        raise ReleaseRefused(f"{path}: cannot be read: {error.strerror}", code="metadata") from error
    except LengthOrHashMismatchError as error:
        raise ReleaseRefused(
            f"{path.name}: expected the bytes that were signed; found others: the file was changed", code="tampered"
        ) from error
    return _read(path.name, content, kind)


def _read(name: str, content: bytes, kind: type[Signed]) -> Metadata[Signed]:
    try:
        part = Metadata[Signed].from_bytes(content)
    except (DeserializationError, RepositoryError) as error:
        raise ReleaseRefused(f"{name}: expected metadata of TUF; found something else", code="metadata") from error
    if not isinstance(part.signed, kind):
        raise ReleaseRefused(f"{name}: expected metadata of {kind.type}; found {part.signed.type}", code="metadata")
    return part


def _require_version(path: Path, actual: int, expected: int) -> None:
    if actual != expected:
        raise ReleaseRefused(f"{path.name}: expected version {expected}; found {actual}", code="versions")
