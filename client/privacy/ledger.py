"""The privacy ledger: what each release cost, in a chain of entries that cannot be changed or shortened unnoticed.

Each entry bears the digest of the one before it. ε and δ are those of the user who has spent most, for adding or
removing one user.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from shared.errors import PrivacyError
from shared.federation.messages import LedgerState
from shared.privacy.gaussian import epsilon_of

START = "0" * 64
"""in the place of a digest before the first entry"""


JOINED = "joined"
"""two ledgers of the same users met, neither of which went on from the other"""


@dataclass(frozen=True, kw_only=True)
class Release:
    """What left, or may have left, under noise."""

    time: str
    """ISO 8601, with offset"""
    released: str
    """``cross``, ``evaluation`` or ``joined``"""
    run: str = ""
    round: int = 0
    noise: float
    """spread of the noise, as a multiple of what one user can move the answer by"""
    delta: float
    """at which ε is told"""


@dataclass(frozen=True, kw_only=True)
class Entry(Release):
    """A release, and what users have spent with it."""

    weight: float
    """Σ 1/σ² of the user who has spent most"""
    epsilon: float
    """his"""
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

    def with_release(self, release: Release, weight: float) -> "Ledger":
        """One entry more; ``weight`` is Σ 1/σ² of the user who has spent most."""
        epsilon = epsilon_of(weight, release.delta)
        entry = Entry(**asdict(release), weight=weight, epsilon=epsilon, before=self.state.head)
        return Ledger((*self.entries, entry))

    def goes_on_from(self, other: "Ledger") -> bool:
        """Whether the other one is this one, or its beginning."""
        return self.entries[: len(other.entries)] == other.entries

    def to_json(self) -> list[dict[str, Any]]:
        """Plain values."""
        return [asdict(entry) for entry in self.entries]

    @classmethod
    def from_json(cls, values: Sequence[Mapping[str, Any]]) -> "Ledger":
        """The inverse of ``to_json``; raises PrivacyError where an entry was changed or is missing."""
        try:
            entries = tuple(Entry(**value) for value in values)
        except TypeError as error:
            raise PrivacyError("the privacy ledger cannot be read: an entry has other fields than it must") from error
        digests = [START, *(entry.digest for entry in entries)]
        for number, (entry, before) in enumerate(zip(entries, digests, strict=False), 1):
            if entry.before != before:
                raise PrivacyError(f"the privacy ledger was changed: entry {number} does not follow the one before it")
        return cls(entries)
