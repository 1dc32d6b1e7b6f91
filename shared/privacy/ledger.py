"""The privacy ledger: what each release cost, in a chain of entries that cannot be changed or shortened unnoticed.

Each entry bears the digest of the one before it. ε and δ are those of the user who has spent most, for adding or
removing one user.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from shared.errors import PrivacyError
from shared.privacy.gaussian import epsilon_of

START = "0" * 64
"""in the place of a digest before the first entry"""


JOINED = "joined"
"""two ledgers of the same users met, neither of which went on from the other"""
CROSS_SUM, EVALUATION_SUM, UPDATE_SUM = "cross-sum", "evaluation-sum", "update-sum"
"""a vector left for a sum over platforms or devices, under the least noise that its terms leave there"""
OPENED = "opened"
"""such a sum was opened: how much noise there was in it"""
SEEN = "seen"
"""in a coordinator's ledger: a platform's own has come further, and nothing new was released"""


def seal_of(digest: str) -> str:
    """Digest of a ledger's digest."""
    return hashlib.sha256(digest.encode("utf-8")).hexdigest()


def now_text() -> str:
    """The time that an entry bears: ISO 8601, with offset."""
    return datetime.now(UTC).isoformat()


@dataclass(frozen=True, kw_only=True)
class SeenLedger:
    """What a coordinator shows of a ledger that it has seen, to ask whether this one goes on from it."""

    entries: int
    """so many it had; 0: none was seen"""
    seal: str
    """digest of its digest then: who never saw the ledger at that number has none to show, and learns none"""


@dataclass(frozen=True, kw_only=True)
class LedgerState:
    """How far a privacy ledger has come: what shows a reset, a fork or an older copy of it."""

    entries: int
    head: str
    """digest of the last entry and of all before it"""

    @property
    def seen(self) -> SeenLedger:
        """What is shown of it to the platform whose ledger it is."""
        return SeenLedger(entries=self.entries, seal=seal_of(self.head))

    def contradicts(self, known: "LedgerState", before: str) -> str:
        """Why a ledger that was in the ``known`` state cannot be in this one.

        Args:
            known: the state in which it was seen before.
            before: its digest now where it had as many entries as then.

        Returns:
            The reason, in words; empty where it can be.
        """
        if self.entries < known.entries:
            return f"its privacy ledger went back from {known.entries} to {self.entries} entries: reset or restored"
        then = self.head if self.entries == known.entries else before
        return "" if then == known.head else f"its privacy ledger of {known.entries} entries is another one than before"


@dataclass(frozen=True, kw_only=True)
class Release:
    """What left, or may have left, under noise."""

    time: str
    """ISO 8601, with offset"""
    released: str
    """``cross``, ``evaluation``, ``cross-sum``, ``evaluation-sum``, ``opened``, ``joined`` or ``seen``"""
    run: str = ""
    round: int = 0
    noise: float
    """spread of the noise, as a multiple of what one user can move the answer by"""
    delta: float
    """at which ε is told"""
    told: str = ""
    """in a coordinator's ledger: the digest to which the platform's own had come"""
    entries: int = 0
    """in a coordinator's ledger: and how many entries that had"""


@dataclass(frozen=True, kw_only=True)
class Entry(Release):
    """A release, and what users have spent with it."""

    weight: float
    """Σ 1/σ² of the user who has spent most"""
    epsilon: float
    """that user's ε"""
    before: str
    """digest of the entry before"""

    @property
    def digest(self) -> str:
        """Of this entry, and so of all before it."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode("utf-8")).hexdigest()


@dataclass(frozen=True)
class Ledger:
    """All entries, the oldest first."""

    entries: tuple[Entry, ...] = ()

    @property
    def state(self) -> LedgerState:
        """How far it has come."""
        return LedgerState(entries=len(self.entries), head=self.entries[-1].digest if self.entries else START)

    def digest_where(self, seen: SeenLedger) -> str:
        """Its digest where it was ``seen``; START where it never was what is shown, so that it tells nobody more."""
        then = Ledger(self.entries[: seen.entries]).state
        return then.head if then.seen == seen else START

    def has_been(self, seal: str) -> bool:
        """Whether this is the seal of what it is, or was after an earlier entry, or before the first."""
        return any(seal_of(digest) == seal for digest in (START, *(entry.digest for entry in self.entries)))

    def with_release(self, release: Release, weight: float) -> "Ledger":
        """The ledger with one entry more.

        Args:
            release: what left.
            weight: Σ 1/σ² of the user who has spent most, this release included.

        Returns:
            A new ledger; ε of the entry is that of ``weight`` at the release's δ.
        """
        epsilon = epsilon_of(weight, release.delta)
        entry = Entry(**asdict(release), weight=weight, epsilon=epsilon, before=self.state.head)
        return Ledger((*self.entries, entry))

    def goes_on_from(self, other: "Ledger") -> bool:
        """Whether the other one is this one, or its beginning."""
        return self.entries[: len(other.entries)] == other.entries

    def to_json(self) -> dict[str, Any]:
        """Plain values, and the digest of the last entry, which none follows."""
        return {"head": self.state.head, "entries": [asdict(entry) for entry in self.entries]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Ledger":
        """The inverse of ``to_json``; raises PrivacyError where an entry was changed or is missing."""
        try:
            entries, head = tuple(Entry(**value) for value in values["entries"]), str(values["head"])
        except (KeyError, TypeError) as error:
            raise PrivacyError("the privacy ledger cannot be read: it has other fields than it must") from error
        digests = [START, *(entry.digest for entry in entries)]
        befores = [*(entry.before for entry in entries), head]
        for number, (before, expected) in enumerate(zip(befores, digests, strict=True)):
            if before != expected:
                raise PrivacyError(f"the privacy ledger was changed: entry {max(number, 1)} is not what it was")
        return cls(entries)
