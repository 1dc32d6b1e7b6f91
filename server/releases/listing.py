"""What there is of releases, for people and programs: each release, what expires when, and the newest encoder."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from server.coordinator.home import ServerHome
from server.coordinator.release_settings import ReleaseSettings
from server.coordinator.run_book import RunBook
from server.releases.chain import Chain
from server.releases.gate import gate_verdict
from server.releases.release_files import read_release
from server.releases.repository import Repository
from shared.errors import ConfigError, ReleaseRefused, os_error_as
from shared.releases.manifest import Manifest


@dataclass(frozen=True, eq=False, kw_only=True)
class Listing:
    """All releases of a coordinator at one moment."""

    current: int | None
    manifests: tuple[Manifest, ...]
    """of those that are listed, the lowest version first"""
    expires: dict[str, datetime]
    """when each part's word ends, by role; empty where there is no release yet"""
    newest: str
    """what became of the coordinator's newest encoder, in words"""
    now: datetime

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "current": self.current,
            "releases": [release_facts(manifest) for manifest in self.manifests],
            "expires": {role: moment.isoformat() for role, moment in self.expires.items()},
            "newest-encoder": self.newest,
        }

    def lines(self) -> list[str]:
        """The same for people."""
        releases = [
            f"{release_words(manifest)}{', current' * (manifest.version == self.current)}"
            for manifest in self.manifests
        ]
        parts = ", ".join(
            f"{role} {'expired' if moment <= self.now else 'until'} {moment:%Y-%m-%d %H:%M}"
            for role, moment in self.expires.items()
        )
        return [*(releases or ["there is no release yet"]), *([f"signed (UTC): {parts}"] if parts else []), self.newest]


def listing(home: ServerHome, settings: ReleaseSettings, now: datetime) -> Listing:
    """Read a coordinator's releases.

    Args:
        home: the coordinator's folder.
        settings: what the gate tolerates.
        now: the present time.

    Returns:
        What there is.

    Raises:
        ConfigError: if a part of the folder is damaged.
        ReleaseRefused: if a release does not hold.
    """
    repository = Repository(home.releases)
    chain = repository.chain() if repository.exists else None
    versions = [] if chain is None else list(chain.releases)
    return Listing(
        current=None if chain is None else chain.current,
        manifests=tuple(read_release(repository, chain, version).manifest for version in versions if chain is not None),
        expires={} if chain is None else chain.expires,
        newest=_newest_words(home, settings, chain),
        now=now,
    )


def release_words(manifest: Manifest) -> str:
    """A release in one line."""
    parts = [
        f"release {manifest.version}: {manifest.preset}, {manifest.size:,} bytes, SHA-256 {manifest.digest[:12]}",
        f"of {manifest.created:%Y-%m-%d}, until {manifest.expires:%Y-%m-%d}",
        f"accepted by {manifest.accepted}, declined by {manifest.declined}",
    ]
    if manifest.rolls_back_to is not None:
        parts.append(f"brings back release {manifest.rolls_back_to}")
    if manifest.despite:
        parts.append(f"published despite the gate: {manifest.despite}")
    return ", ".join(parts)


def current_words(home: ServerHome, now: datetime) -> str:
    """The current release in one line, and what is wrong with it.

    Args:
        home: the coordinator's folder.
        now: the present time.

    Returns:
        The line; that there is no release yet, or why it does not hold.
    """
    repository = Repository(home.releases)
    if not repository.exists:
        return "No release yet: platforms have nothing to install."
    try:
        chain = repository.chain()
        if chain.current is None:
            return "No release yet: platforms have nothing to install."
        words = release_words(read_release(repository, chain, chain.current).manifest)
        chain.require_fresh(now)
    except ReleaseRefused as refusal:
        return f"Platforms refuse the current release: {refusal}."
    return f"Platforms install {words}."


def release_facts(manifest: Manifest) -> dict[str, Any]:
    """A release by plain values, without what is long."""
    return {
        "version": manifest.version,
        "parent": manifest.parent,
        "rolls-back-to": manifest.rolls_back_to,
        "created": manifest.created.isoformat(),
        "expires": manifest.expires.isoformat(),
        "digest": manifest.digest,
        "size": manifest.size,
        "preset": manifest.preset,
        "accepted": manifest.accepted,
        "declined": manifest.declined,
        "despite": manifest.despite,
    }


def _newest_words(home: ServerHome, settings: ReleaseSettings, chain: Chain | None) -> str:
    with os_error_as(ConfigError, f"{home.encoder}: the encoder cannot be read"):
        content = home.encoder.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    releases = {} if chain is None else chain.releases
    same = [version for version, files in releases.items() if files["encoder"].hashes["sha256"] == digest]
    if same:
        return f"the newest encoder is that of release {same[-1]}"
    held = gate_verdict(content, RunBook(home.runs).runs(), settings).held
    if held:
        return f"the newest encoder is held: {held}"
    return f"the newest encoder is not published yet: graft-server release publish {home.folder}"
