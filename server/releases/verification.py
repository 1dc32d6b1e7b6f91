"""Verifying releases: all that a platform checks before its own gate, on the coordinator's folder or a mirror of it."""

from dataclasses import dataclass
from datetime import datetime

from server.releases.chain import Chain
from server.releases.release_files import read_release
from server.releases.repository import Repository
from shared.errors import ConfigError
from shared.releases.checks import checked_encoder, require_fresh
from shared.releases.manifest import Manifest


@dataclass(frozen=True, eq=False, kw_only=True)
class Verified:
    """What held."""

    chain: Chain
    manifests: tuple[Manifest, ...]
    """of the releases that were looked at, the lowest version first"""


def verify(repository: Repository, now: datetime, version: int | None = None, pinned: bytes | None = None) -> Verified:
    """Check metadata, files, statements, manifests, encoders and probes, in this order.

    Args:
        repository: a coordinator's own, or a copy.
        now: the present time.
        version: of the one release that is looked at; None: all that are listed. Of these only the current one must not
            have expired.
        pinned: content of the root that platforms pin; None: the repository's own first one.

    Returns:
        What held.

    Raises:
        ConfigError: if there is no such release.
        ReleaseRefused: if something does not hold; it says what and why, with the code of the check.
    """
    chain = repository.chain(pinned)
    chain.require_fresh(now)
    if version is None and chain.current is None:
        raise ConfigError(f"{repository.folder}: there is no release yet")
    versions = list(chain.releases) if version is None else [version]
    return Verified(chain=chain, manifests=tuple(_verified(repository, chain, number, now) for number in versions))


def _verified(repository: Repository, chain: Chain, version: int, now: datetime) -> Manifest:
    release = read_release(repository, chain, version)
    if version == chain.current:
        require_fresh(release.manifest, now)
    checked_encoder(release.manifest, repository.file(chain.releases[version]["encoder"]))
    return release.manifest
