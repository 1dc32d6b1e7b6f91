"""The next edition of a repository's metadata: which parts are signed anew, by whose keys, and until when they hold."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from server.coordinator.release_settings import ReleaseSettings
from server.releases.chain import ROOT, SNAPSHOT_OF, TARGETS_OF, TIMESTAMP, Chain, versioned
from server.releases.keys import KeyFolders, ReleaseKey
from server.releases.repository import Repository, Write
from shared.releases.targets import STATEMENT_KEY

_SHA256 = ["sha256"]
Part = TypeVar("Part", Timestamp, Snapshot, Targets)


@dataclass(frozen=True, eq=False, kw_only=True)
class Signing:
    """With what and when something is signed."""

    repository: Repository
    keys: KeyFolders
    settings: ReleaseSettings
    now: datetime
    """with its offset"""
    further: Mapping[str, Sequence[ReleaseKey]] = field(default_factory=dict)
    """keys that sign too, by role, though root does not name them yet"""
    lost: frozenset[str] = frozenset()
    """roles whose own keys are not asked for"""

    @property
    def moment(self) -> datetime:
        """Now, in whole seconds."""
        return self.now.replace(microsecond=0)

    @property
    def release_until(self) -> datetime:
        """When a release expires that is signed now."""
        return self.moment + timedelta(days=self.settings.release_days)

    def until(self, role: str) -> datetime:
        """When a part of this role expires that is signed now."""
        return self.moment + timedelta(days=vars(self.settings)[f"release_{role}_days"])

    def signed(self, role: str, part: Part, root: Root) -> bytes:
        """A part, signed by the keys of its role that are here.

        Args:
            role: its role.
            part: what is signed; it expires anew.
            root: says whose keys count.

        Returns:
            The content of its file.

        Raises:
            ConfigError: if too few of the role's keys are here.
        """
        part.expires = self.until(role)
        metadata = Metadata(part)
        own: list[ReleaseKey] = [] if role in self.lost else self._own(role, root)
        for key in (*own, *self.further.get(role, ())):
            metadata.sign(key.signer, append=True)
        content: bytes = metadata.to_bytes()
        return content

    def _own(self, role: str, root: Root) -> list[ReleaseKey]:
        named = root.roles[role]
        return self.keys.require(role, named.keyids, named.threshold)


def next_targets(
    signing: Signing, chain: Chain, files: Mapping[str, TargetFile] | None = None, statement_key: str | None = None
) -> list[Write]:
    """A new list of releases, and what leads to it.

    Args:
        signing: keys and time.
        chain: what the repository says now.
        files: the list, by names of targets; None: as it is.
        statement_key: public half of the key of statements, 64 hexadecimal digits; None: as it is.

    Returns:
        What is to be written, in order.

    Raises:
        ConfigError: if keys are missing.
    """
    before = chain.targets.signed
    named = dict(before.unrecognized_fields) if statement_key is None else {STATEMENT_KEY: statement_key}
    listed = before.targets if files is None else files
    targets = Targets(version=before.version + 1, targets=dict(listed), unrecognized_fields=named)
    content = signing.signed("targets", targets, chain.root.signed)
    meta = MetaFile.from_data(targets.version, content, _SHA256)
    write = Write(signing.repository.metadata / versioned(targets.version, TARGETS_OF), content)
    return [write, *next_snapshot(signing, chain, meta)]


def next_snapshot(signing: Signing, chain: Chain, targets: MetaFile | None = None) -> list[Write]:
    """A new word on which list of releases is the newest, and what leads to it.

    Args:
        signing: keys and time.
        chain: what the repository says now.
        targets: of the list; None: as it is.

    Returns:
        What is to be written, in order.

    Raises:
        ConfigError: if keys are missing.
    """
    before = chain.snapshot.signed
    meta = {**before.meta, TARGETS_OF: targets or before.meta[TARGETS_OF]}
    snapshot = Snapshot(version=before.version + 1, meta=meta)
    content = signing.signed("snapshot", snapshot, chain.root.signed)
    name = versioned(snapshot.version, SNAPSHOT_OF)
    new_meta = MetaFile.from_data(snapshot.version, content, _SHA256)
    return [Write(signing.repository.metadata / name, content), *next_timestamp(signing, chain, new_meta)]


def next_timestamp(signing: Signing, chain: Chain, snapshot: MetaFile | None = None) -> list[Write]:
    """A new word on the present time.

    Args:
        signing: keys and time.
        chain: what the repository says now.
        snapshot: of the newest snapshot; None: as it is.

    Returns:
        The one file that is to be written.

    Raises:
        ConfigError: if its key is missing.
    """
    before = chain.timestamp.signed
    timestamp = Timestamp(version=before.version + 1, snapshot_meta=snapshot or before.snapshot_meta)
    content = signing.signed("timestamp", timestamp, chain.root.signed)
    return [Write(signing.repository.metadata / TIMESTAMP, content)]


def root_writes(signing: Signing, root: Root, before: Root | None) -> list[Write]:
    """A root that holds under the one before it and under itself.

    Args:
        signing: keys and time.
        root: the new one.
        before: the one before it; None for the first.

    Returns:
        Its file, and the one that bears no version, for people.

    Raises:
        ConfigError: if keys are missing.
    """
    metadata = Metadata(root)
    root.expires = signing.until("root")
    for holder in (root,) if before is None else (before, root):
        named = holder.roles["root"]
        for key in signing.keys.require("root", named.keyids, named.threshold):
            metadata.sign(key.signer, append=True)
    content = metadata.to_bytes()
    folder = signing.repository.metadata
    return [Write(folder / versioned(root.version, ROOT), content), Write(folder / ROOT, content)]


def copied_root(chain: Chain) -> Root:
    """The root of now as the next version, to be changed."""
    root = deepcopy(chain.root.signed)
    root.version += 1
    return root


def next_root(signing: Signing, chain: Chain) -> list[Write]:
    """The root of now, signed anew by the same keys.

    Args:
        signing: keys and time.
        chain: what the repository says now.

    Returns:
        What is to be written.

    Raises:
        ConfigError: if keys are missing.
    """
    return root_writes(signing, copied_root(chain), chain.root.signed)
