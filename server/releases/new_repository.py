"""Making a repository of releases: its keys, the first root, an empty list of releases."""

from tuf.api.metadata import MetaFile, Role, Root, Snapshot, Targets, Timestamp

from server.releases.chain import ROLES, SNAPSHOT_OF, TARGETS_OF, TIMESTAMP, versioned
from server.releases.key_plan import KeyPlan
from server.releases.keys import STATEMENT
from server.releases.repository import Write
from server.releases.signing import Signing, root_writes
from shared.errors import ConfigError
from shared.releases.targets import STATEMENT_KEY

_SHA256 = ["sha256"]


def make_repository(signing: Signing, plan: KeyPlan) -> None:
    """Make the repository where there is none; what a process left that was killed meanwhile is made anew.

    Args:
        signing: where, and with what; new keys go to its first folder.
        plan: how many keys there are, and how many must sign.

    Raises:
        ConfigError: if something cannot be written, or there was a repository that has lost its timestamp.
    """
    repository = signing.repository
    if any(not path.name.startswith("1.") for path in repository.metadata.glob("*.snapshot.json")):
        raise ConfigError(
            f"{repository.metadata}: expected {TIMESTAMP} beside the other metadata; found none: restore it from a "
            "backup"
        )
    root = _first_root(signing, plan)
    repository.write([*root_writes(signing, root, None), *_first_metadata(signing, root)])


def _first_root(signing: Signing, plan: KeyPlan) -> Root:
    root = Root(version=1, consistent_snapshot=True, roles={role: Role([], plan.of(role)[1]) for role in ROLES})
    for role in ROLES:
        for _ in range(plan.of(role)[0]):
            root.add_key(signing.keys.new(role).public, role)
    return root


def _first_metadata(signing: Signing, root: Root) -> list[Write]:
    targets = Targets(unrecognized_fields={STATEMENT_KEY: signing.keys.new(STATEMENT).hex})
    listed = signing.signed("targets", targets, root)
    snapshot = signing.signed("snapshot", Snapshot(meta={TARGETS_OF: MetaFile.from_data(1, listed, _SHA256)}), root)
    timestamp = Timestamp(snapshot_meta=MetaFile.from_data(1, snapshot, _SHA256))
    contents = {
        versioned(1, TARGETS_OF): listed,
        versioned(1, SNAPSHOT_OF): snapshot,
        TIMESTAMP: signing.signed("timestamp", timestamp, root),
    }
    return [Write(signing.repository.metadata / name, content) for name, content in contents.items()]
