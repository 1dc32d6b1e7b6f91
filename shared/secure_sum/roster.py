"""Who takes part: an ordered set of parties, each with the key by which the others know it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from shared.errors import ConfigError
from shared.secure_sum.fields import Reader, Writer
from shared.secure_sum.streams import KEY, digest

MOST_PARTIES = 1024
PARTY = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
"""what an enrolled name looks like"""
_LONGEST = 63


@dataclass(frozen=True, order=True)
class Member:
    """One party."""

    party: str
    """its enrolled name"""
    key: bytes
    """Ed25519 public key, 32 bytes"""

    @property
    def fingerprint(self) -> bytes:
        """16 bytes by which a history knows the key."""
        return digest(b"member", self.key)[:16]


@dataclass(frozen=True)
class Roster:
    """Members by name, no name and no key twice; raises ConfigError for others."""

    members: tuple[Member, ...]

    def __post_init__(self) -> None:
        names, keys = {member.party for member in self.members}, {member.key for member in self.members}
        if not 1 < len(self.members) <= MOST_PARTIES:
            raise ConfigError(f"a roster: expected 2 to {MOST_PARTIES} parties; got {len(self.members)}")
        if len(names) < len(self.members) or len(keys) < len(self.members):
            raise ConfigError("a roster: expected each name and each key once; got one twice")
        if list(self.members) != sorted(self.members) or not all(PARTY.fullmatch(name) for name in names):
            raise ConfigError("a roster: expected parties ordered by their enrolled names; got others")
        if any(len(member.key) != KEY for member in self.members):
            raise ConfigError(f"a roster: expected public keys of {KEY} bytes; got another length")

    @classmethod
    def of(cls, members: Iterable[Member]) -> "Roster":
        """Of members in any order."""
        return cls(tuple(sorted(members)))

    def __len__(self) -> int:
        return len(self.members)

    @cached_property
    def digest(self) -> bytes:
        """32 bytes that name exactly these members."""
        return digest(b"roster", self.to_bytes())

    @cached_property
    def places(self) -> dict[str, int]:
        """Party's name to its number, from 0 on."""
        return {member.party: number for number, member in enumerate(self.members)}

    def holds(self, other: "Roster") -> bool:
        """Whether all members of the other roster are in it, with the same keys."""
        return set(other.members) <= set(self.members)

    def fingerprints(self, numbers: Iterable[int]) -> frozenset[bytes]:
        """Of the members with these numbers."""
        return frozenset(self.members[number].fingerprint for number in numbers)

    def to_bytes(self) -> bytes:
        """One byte form for the same members."""
        writer = Writer().number("H", len(self.members))
        for member in self.members:
            writer.sized(member.party.encode("ascii")).raw(member.key)
        return writer.content

    @classmethod
    def read(cls, reader: Reader) -> "Roster":
        """The inverse of ``to_bytes``; raises WireError for what is no roster."""
        count = reader.number("H", 2, MOST_PARTIES)
        pairs = [(reader.sized(_LONGEST), reader.raw(KEY)) for _ in range(count)]
        try:
            return cls(tuple(Member(name.decode("ascii"), key) for name, key in pairs))
        except (ConfigError, UnicodeDecodeError) as error:
            raise reader.wrong("a roster in order, nobody twice", f"{count} parties that are none") from error
