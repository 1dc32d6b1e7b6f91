"""Taking releases off the list, and removing the files that nothing refers to any more."""

from pathlib import Path

from server.releases.chain import SNAPSHOT_OF, TARGETS_OF, Chain
from server.releases.repository import Repository
from server.releases.signing import Signing, next_targets
from shared.errors import ConfigError, os_error_as

LEAST = 2
"""releases that stay listed: the current one, and one to go back to"""


def prune(signing: Signing, keep: int) -> list[int]:
    """Take the oldest releases off the list.

    Args:
        signing: keys, settings and time.
        keep: how many of the newest stay, at least 2.

    Returns:
        The versions that are listed no longer.

    Raises:
        ConfigError: if ``keep`` is too small, keys are missing, or a file cannot be written or removed.
        ReleaseRefused: if what the repository says now does not hold.
    """
    if keep < LEAST:
        raise ConfigError(f"keep must be at least {LEAST}, the current release and one to go back to; got {keep}")
    with signing.repository.alone():
        chain = signing.repository.chain()
        dropped = list(chain.releases)[:-keep]
        if dropped:
            names = {target.path for version in dropped for target in chain.releases[version].values()}
            files = {name: target for name, target in chain.targets.signed.targets.items() if name not in names}
            signing.repository.write(next_targets(signing, chain, files))
        tidy(signing.repository, signing.repository.chain())
    return dropped


def tidy(repository: Repository, chain: Chain) -> None:
    """Remove files of releases that are not listed, and lists that are older than the ones of now and before.

    Roots stay: by them a platform comes from the one that it was given to the newest.

    Args:
        repository: where they lie; its folder is held.
        chain: what it says now.

    Raises:
        ConfigError: if a file cannot be removed.
    """
    listed = {repository.file(target) for target in chain.targets.signed.targets.values()}
    needless = [path for path in repository.targets.glob("*") if path not in listed]
    newest = {SNAPSHOT_OF: chain.snapshot.signed.version, TARGETS_OF: chain.targets.signed.version}
    for name, version in newest.items():
        needless += [
            path for path in repository.metadata.glob(f"*.{name}") if not version - 1 <= _version(path) <= version
        ]
    for path in (*needless, *repository.metadata.glob(".*.part")):
        with os_error_as(ConfigError, f"{path}: cannot be removed"):
            path.unlink(missing_ok=True)


def _version(path: Path) -> int:
    number = path.name.partition(".")[0]
    return int(number) if number.isdigit() else -1
