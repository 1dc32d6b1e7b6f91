"""The platforms that one sums with: taken on first use or accepted by its operator; a change waits for acceptance.

A record of the vault. A platform is known by its name, its key for sums and its node key's fingerprint, all three.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from client.store.head_store import HeadStore, StoredRecord
from shared.errors import ConfigError, HeadStoreError, UnknownParties
from shared.secure_sum.introduction import Introduction
from shared.secure_sum.roster import Member, Roster

SUM_PARTIES = "sum-parties"


@dataclass(frozen=True, kw_only=True)
class KnownParty:
    """One platform."""

    name: str
    key: str
    """for sums, in hexadecimal digits"""
    node: str = ""
    """fingerprint of its node key as ``ssh-keygen -l`` shows it; empty in simulations"""
    since: str = ""
    """when it was taken, or came to be known of; ISO 8601"""

    @classmethod
    def of(cls, introduction: Introduction, since: str) -> "KnownParty":
        """A platform as it was introduced.

        Args:
            introduction: its name, its key for sums and its node key's fingerprint.
            since: when it came to be known of, ISO 8601.

        Returns:
            the platform.
        """
        member = introduction.member
        return cls(name=member.party, key=member.key.hex(), node=introduction.fingerprint, since=since)

    @property
    def member(self) -> Member:
        """Name and key for sums."""
        return Member(self.name, bytes.fromhex(self.key))

    def is_same(self, other: "KnownParty | None") -> bool:
        """Whether name and both keys are the same."""
        return other is not None and (self.name, self.key, self.node) == (other.name, other.key, other.node)


@dataclass(frozen=True, kw_only=True)
class KnownParties:
    """By name; nothing in it changes but by ``met`` and ``accepted``."""

    known: Mapping[str, KnownParty] = field(default_factory=dict)
    """with these it sums"""
    waiting: Mapping[str, KnownParty] = field(default_factory=dict)
    """new names, and known ones with another key: with none of them it sums until the operator accepts them"""

    @classmethod
    def read(cls, heads: HeadStore) -> "KnownParties":
        """Read the platforms that the vault holds.

        Args:
            heads: the platform's head store.

        Returns:
            the platforms; none where there is no record.

        Raises:
            StorageError: if the record cannot be read.
        """
        stored = heads.read(SUM_PARTIES)
        if stored is None:
            return cls()
        try:
            return cls(**{kind: _by_name(stored.facts[kind]) for kind in ("known", "waiting")})
        except (KeyError, TypeError) as error:
            raise HeadStoreError(f"record {SUM_PARTIES!r} is damaged") from error

    def write(self, heads: HeadStore) -> None:
        """Keep the platforms in the vault.

        Args:
            heads: the platform's head store.

        Raises:
            StorageError: if they cannot be written.
        """
        facts = {kind: [asdict(party) for party in getattr(self, kind).values()] for kind in ("known", "waiting")}
        heads.write(SUM_PARTIES, StoredRecord(arrays={}, facts=facts))

    @property
    def roster(self) -> Roster:
        """All that are known; raises UnknownParties where fewer than two are."""
        if len(self.known) < 2:
            raise UnknownParties("expected platforms whose keys this one knows; found none")
        return Roster.of(party.member for party in self.known.values())

    def met(self, introductions: Iterable[Introduction], now: datetime, *, first_use: bool) -> "KnownParties":
        """The platforms after the coordinator introduced some; what is new or changed waits.

        Args:
            introductions: of platforms; empty changes nothing.
            now: since when they are known.
            first_use: whether they are taken at once where none is known.

        Returns:
            new parties; these stay as they are.
        """
        since = now.isoformat(timespec="seconds")
        introduced = {introduction.member.party: KnownParty.of(introduction, since) for introduction in introductions}
        if not introduced:
            return self
        if not self.known and first_use:
            return KnownParties(known=introduced)
        new = {name: party for name, party in introduced.items() if not party.is_same(self.known.get(name))}
        waiting = {name: _first(self.waiting.get(name), party) for name, party in new.items()}
        return KnownParties(known=self.known, waiting=waiting)

    def accepted(self, names: Iterable[str], now: datetime) -> "KnownParties":
        """The platforms with some of those that wait taken.

        Args:
            names: of platforms that wait.
            now: since when they are known.

        Returns:
            new parties; these stay as they are.

        Raises:
            ConfigError: if a name does not wait.
        """
        taken = list(names)
        if unknown := sorted(set(taken) - set(self.waiting)):
            waits = ", ".join(sorted(self.waiting)) or "none"
            raise ConfigError(f"expected the name of a platform that waits to be accepted ({waits}); got {unknown[0]}")
        since = now.isoformat(timespec="seconds")
        new = {name: KnownParty(**{**asdict(self.waiting[name]), "since": since}) for name in taken}
        waiting = {name: party for name, party in self.waiting.items() if name not in new}
        return KnownParties(known=dict(sorted({**self.known, **new}.items())), waiting=waiting)


def _first(before: KnownParty | None, party: KnownParty) -> KnownParty:
    """What waits already keeps the time at which it came."""
    return before if before is not None and party.is_same(before) else party


def _by_name(listed: Iterable[Mapping[str, Any]]) -> dict[str, KnownParty]:
    return {facts["name"]: KnownParty(**facts) for facts in listed}
