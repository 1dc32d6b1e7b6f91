"""A release of the repository: its three files, read and checked as a platform checks them."""

import hashlib
from dataclasses import dataclass

from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.metadata import TargetFile

from server.releases.chain import Chain
from server.releases.repository import Repository
from shared.errors import ConfigError, ReleaseRefused
from shared.releases.checks import checked_manifest
from shared.releases.manifest import Manifest
from shared.releases.targets import statement_key


@dataclass(frozen=True, eq=False, kw_only=True)
class ReleaseFiles:
    """A release whose files are the ones that were signed."""

    manifest: Manifest
    encoder: bytes
    """content of the encoder's file"""
    statement: bytes


def read_release(repository: Repository, chain: Chain, version: int) -> ReleaseFiles:
    """Read a release: length and digest of each file, then its statement, then its manifest.

    Args:
        repository: where it lies.
        chain: what the repository says.
        version: of the release.

    Returns:
        Its files.

    Raises:
        ConfigError: if there is no such release.
        ReleaseRefused: if a file is not the one that was signed; it says which and why.
    """
    if version not in chain.releases:
        listed = ", ".join(map(str, chain.releases)) or "no release"
        raise ConfigError(f"release {version} is not listed; expected one of: {listed}")
    contents = {kind: _content(repository, target) for kind, target in chain.releases[version].items()}
    manifest = checked_manifest(
        contents["manifest"],
        contents["statement"],
        version=version,
        encoder=hashlib.sha256(contents["encoder"]).hexdigest(),
        key=statement_key(chain.targets.signed),
    )
    return ReleaseFiles(manifest=manifest, encoder=contents["encoder"], statement=contents["statement"])


def _content(repository: Repository, target: TargetFile) -> bytes:
    path = repository.file(target)
    try:
        content = path.read_bytes()
        target.verify_length_and_hashes(content)
    except OSError as error:
        raise ReleaseRefused(f"{path.name}: cannot be read: {error.strerror}", code="tampered") from error
    except LengthOrHashMismatchError as error:
        raise ReleaseRefused(
            f"{target.path}: expected {target.length:,} bytes with the SHA-256 that was signed; found others: the file "
            "was changed",
            code="tampered",
        ) from error
    return content
