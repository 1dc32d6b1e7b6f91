"""Rotation: new keys for a role, so that those of before count no longer.

Parts are signed by the keys of before and by the new ones before root names the new ones alone. So what is there holds
under the root of before and under the next one, and a kill in between leaves it valid.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tuf.api.metadata import Role, Root, TargetFile

from server.releases.chain import ROLES, Chain
from server.releases.keys import STATEMENT, ReleaseKey, id_of
from server.releases.release_files import read_release
from server.releases.repository import Write
from server.releases.signing import Signing, copied_root, next_snapshot, next_targets, next_timestamp, root_writes
from shared.errors import ConfigError
from shared.releases.statement import signed_statement
from shared.releases.targets import statement_key, target_of

_NEXT: Mapping[str, Callable[[Signing, Chain], list[Write]]] = {
    "targets": next_targets,
    "snapshot": next_snapshot,
    "timestamp": next_timestamp,
}
ROTATED = (*ROLES, STATEMENT)


@dataclass(frozen=True, kw_only=True)
class Rotated:
    """What a rotation came to."""

    role: str
    keys: tuple[str, ...]
    """ids of those that count now"""
    threshold: int
    removed: tuple[Path, ...]
    """files of keys that count no longer"""


def rotate(
    signing: Signing, role: str, *, keys: int | None = None, threshold: int | None = None, lost: bool = False
) -> Rotated:
    """Give a role new keys.

    Args:
        signing: keys, settings and time; new keys go to its first folder.
        role: of ``ROTATED``.
        keys: how many; None: as many as before.
        threshold: how many must sign; None: as many as before.
        lost: whether the role's keys of before are lost, so that only root's vouch for the new ones. Platforms refuse
            what they fetch between two of the files that are then written.

    Returns:
        What came of it.

    Raises:
        ConfigError: if keys are missing, the numbers cannot be, or a file cannot be written.
        ReleaseRefused: if what the repository says now does not hold.
    """
    if role not in ROTATED:
        raise ConfigError(f"ROLE must be one of {', '.join(ROTATED)}; got {role!r}")
    if lost and role == "root":
        raise ConfigError("only root's own keys vouch for new ones: where too few are left, make a new repository")
    with signing.repository.alone():
        chain = signing.repository.chain()
        if role == STATEMENT:
            return _new_statement_key(signing, chain, keys, threshold)
        named = chain.root.signed.roles[role]
        count, least = keys or len(named.keyids), threshold or named.threshold
        if least > count:
            raise ConfigError(f"threshold must be at most the {count} keys of {role}; got {least}")
        signing.keys.require("root", chain.root.signed.roles["root"].keyids, chain.root.signed.roles["root"].threshold)
        if role != "root" and not lost:
            signing.keys.require(role, named.keyids, named.threshold)
        return _rotated(signing, chain, role, [signing.keys.new(role) for _ in range(count)], least, lost)


def _rotated(signing: Signing, chain: Chain, role: str, new: list[ReleaseKey], threshold: int, lost: bool) -> Rotated:
    before, root = chain.root.signed, copied_root(chain)
    root.roles[role] = Role([], threshold)
    for key in new:
        root.add_key(key.public, role)
    _drop_unnamed(root)
    further = replace(signing, further={role: new}, lost=frozenset({role} if lost else ()))
    parts = _NEXT[role](further, chain) if role in _NEXT else []
    roots = root_writes(signing, root, before)
    place = len(parts) - 1 if lost else len(parts)
    signing.repository.write([*parts[:place], *roots, *parts[place:]])
    removed = signing.keys.forget(before.roles[role].keyids)
    ids = tuple(key.public.keyid for key in new)
    return Rotated(role=role, keys=ids, threshold=threshold, removed=tuple(removed))


def _drop_unnamed(root: Root) -> None:
    named = {key_id for role in root.roles.values() for key_id in role.keyids}
    root.keys = {key_id: key for key_id, key in root.keys.items() if key_id in named}


def _new_statement_key(signing: Signing, chain: Chain, keys: int | None, threshold: int | None) -> Rotated:
    """All releases that are listed get a statement by the new key: platforms know one key at a time."""
    if (keys or 1, threshold or 1) != (1, 1):
        raise ConfigError("statements have one key")
    releases = {version: read_release(signing.repository, chain, version) for version in chain.releases}
    root = chain.root.signed.roles["targets"]
    signing.keys.require("targets", root.keyids, root.threshold)
    key = signing.keys.new(STATEMENT)
    listed: dict[str, TargetFile] = dict(chain.targets.signed.targets)
    files = []
    for version, release in releases.items():
        content = signed_statement(release.manifest, key.private)
        target = target_of(version, "statement", content)
        listed[target.path] = target
        files.append(Write(signing.repository.file(target), content))
    signing.repository.write([*files, *next_targets(signing, chain, listed, key.hex)])
    removed = signing.keys.forget([id_of(statement_key(chain.targets.signed))])
    return Rotated(role=STATEMENT, keys=(key.public.keyid,), threshold=1, removed=tuple(removed))
