"""Signing anew what will soon expire: what platforms are told to trust holds for days, and is to be kept fresh."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from server.coordinator.home import ServerHome
from server.coordinator.release_settings import ReleaseSettings
from server.releases.chain import ROLES, Chain
from server.releases.keys import KeyFolders
from server.releases.repository import Repository, Write
from server.releases.signing import Signing, next_root, next_snapshot, next_targets, next_timestamp
from server.releases.tidying import tidy

LOOK_SECONDS = 60.0
"""between two looks of a running coordinator"""
_OFF_LINE = ("root", "targets")
"""roles whose keys may lie elsewhere"""
_LOG = logging.getLogger("graft.releases")


@dataclass(frozen=True, kw_only=True)
class Refreshed:
    """What was signed anew, and what could not be."""

    renewed: tuple[str, ...]
    """roles whose part was signed anew because it was within half of its life"""
    waiting: dict[str, datetime]
    """roles that are due and whose keys are not here, with when their part expires"""
    expires: dict[str, datetime]
    """when each part's word ends now, by role"""


def due(chain: Chain, signing: Signing) -> list[str]:
    """The roles whose part has less than half of its life left.

    Args:
        chain: what the repository says now.
        signing: settings and time.

    Returns:
        Their names, in the order of ``ROLES``.
    """
    return [role for role in ROLES if 2 * (chain.expires[role] - signing.now) < signing.until(role) - signing.moment]


def refresh(signing: Signing) -> Refreshed:
    """Sign anew what is due; what only keys off line can sign is named and left.

    Args:
        signing: keys, settings and time.

    Returns:
        What was done.

    Raises:
        ConfigError: if the keys of snapshot or timestamp are missing, or a file cannot be written.
        ReleaseRefused: if what the repository says now does not hold.
    """
    with signing.repository.alone():
        chain = signing.repository.chain()
        roles = due(chain, signing)
        waiting = {role: chain.expires[role] for role in roles if role in _OFF_LINE and not _here(signing, chain, role)}
        renewed = [role for role in roles if role not in waiting]
        signing.repository.write(_renewals(signing, chain, renewed))
        after = signing.repository.chain()
        tidy(signing.repository, after)
    return Refreshed(renewed=tuple(renewed), waiting=waiting, expires=after.expires)


@dataclass(eq=False, kw_only=True)
class ReleaseKeeper:
    """Keeps a coordinator's releases fresh while it runs."""

    home: ServerHome
    settings: ReleaseSettings
    now: Callable[[], datetime]
    _next: datetime | None = None
    _told: frozenset[str] = frozenset()

    def look(self) -> None:
        """Once a minute, sign anew what is due; nothing where there is no release yet. Raises as ``refresh`` does."""
        now, repository = self.now(), Repository(self.home.releases)
        if not repository.exists or (self._next is not None and now < self._next):
            return
        keys = KeyFolders([self.home.release_keys])
        signing = Signing(repository=repository, keys=keys, settings=self.settings, now=now)
        if due(repository.chain(), signing):
            self._tell(refresh(signing))
        self._next = now + timedelta(seconds=LOOK_SECONDS)

    def _tell(self, refreshed: Refreshed) -> None:
        if refreshed.renewed:
            _LOG.info("signed anew: %s", ", ".join(refreshed.renewed))
        for role in sorted(set(refreshed.waiting) - self._told):
            _LOG.warning("%s expires on %s, and its keys are not here", role, f"{refreshed.waiting[role]:%Y-%m-%d}")
        self._told = frozenset(refreshed.waiting)


def _here(signing: Signing, chain: Chain, role: str) -> bool:
    named = chain.root.signed.roles[role]
    return len(signing.keys.have(named.keyids)) >= named.threshold


def _renewals(signing: Signing, chain: Chain, roles: list[str]) -> list[Write]:
    """A new root first: it holds beside what is there."""
    root = next_root(signing, chain) if "root" in roles else []
    if "targets" in roles:
        return [*root, *next_targets(signing, chain)]
    if "snapshot" in roles:
        return [*root, *next_snapshot(signing, chain)]
    return [*root, *(next_timestamp(signing, chain) if "timestamp" in roles else [])]
