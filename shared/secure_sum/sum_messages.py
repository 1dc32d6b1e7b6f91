"""Messages of a sum: what is asked and by whom it is answered, who survived, which shares are given."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from shared.secure_sum.fields import Reader, Writer
from shared.secure_sum.roster import MOST_PARTIES
from shared.secure_sum.shamir import SHARE
from shared.secure_sum.signing import SIGNATURE
from shared.secure_sum.streams import KEY, digest
from shared.secure_sum.terms import MOST_SUMS, SumTerms

MASK, AGREE, OPEN = 3, 4, 5
"""kinds of what the coordinator sends"""
MASKED, AGREEMENT, SHARES = b"masked", b"agreement", b"shares"
"""kinds of what parties sign"""
_SELF, _SURPLUS, _PAIR = 1, 2, 4
_LARGEST_PARCEL = 2**16


@dataclass(frozen=True)
class Plan:
    """What all parties of a sum must have been told alike."""

    setup: bytes
    """digest of the set-up"""
    number: int
    """of the sum in its set-up; each is used once"""
    members: tuple[int, ...]
    """numbers of those who sent shares, the same in all sums of a set-up"""
    terms: SumTerms

    @cached_property
    def digest(self) -> bytes:
        """What parties sign, together with the survivors."""
        return digest(b"sum", self.to_bytes())

    def to_bytes(self) -> bytes:
        """All fields."""
        writer = Writer().raw(self.setup).number("B", self.number).numbers(self.members)
        self.terms.write(writer)
        return writer.content

    @classmethod
    def read(cls, reader: Reader) -> "Plan":
        """Take what ``to_bytes`` wrote out of a longer message.

        Args:
            reader: at its first byte.

        Returns:
            The plan.

        Raises:
            WireError: if there is anything else.
        """
        setup, number = reader.raw(KEY), reader.number("B", most=MOST_SUMS - 1)
        return cls(setup, number, reader.numbers(MOST_PARTIES), SumTerms.read(reader))

    @classmethod
    def from_bytes(cls, content: bytes) -> "Plan":
        """The inverse of ``to_bytes``.

        Args:
            content: all of the bytes.

        Returns:
            The plan.

        Raises:
            WireError: if the bytes are anything else.
        """
        reader = Reader("a plan of a sum", content)
        plan = cls.read(reader)
        reader.end()
        return plan


@dataclass(frozen=True)
class MaskRequest:
    """To all members: send your vector, masked."""

    plan: Plan
    parcels: Mapping[int, bytes]
    """by sender, what neighbours sealed for the receiver; empty where it has them"""

    def to_bytes(self) -> bytes:
        """Kind, plan, parcels."""
        writer = Writer().number("B", MASK).raw(self.plan.to_bytes()).numbers(self.parcels)
        for parcel in self.parcels.values():
            writer.sized(parcel)
        return writer.content

    @classmethod
    def from_bytes(cls, content: bytes) -> "MaskRequest":
        """The inverse of ``to_bytes``.

        Args:
            content: all of the bytes.

        Returns:
            The request.

        Raises:
            WireError: if the bytes are anything else.
        """
        reader = Reader("a request for a masked vector", content)
        reader.number("B", MASK, MASK)
        plan, senders = Plan.read(reader), reader.numbers(MOST_PARTIES)
        request = cls(plan, {number: reader.sized(_LARGEST_PARCEL) for number in senders})
        reader.end()
        return request


@dataclass(frozen=True)
class Masked:
    """A party's masked vector."""

    plan: bytes
    """digest"""
    vector: bytes
    """packed elements of the sum's ring"""
    signature: bytes = b""

    @property
    def body(self) -> bytes:
        """What is signed."""
        return self.plan + self.vector

    def to_bytes(self) -> bytes:
        """Body and signature."""
        return self.body + self.signature

    @classmethod
    def from_bytes(cls, content: bytes, size: int) -> "Masked":
        """The inverse of ``to_bytes``.

        Args:
            content: the whole message.
            size: bytes of the vector.

        Returns:
            The masked vector.

        Raises:
            WireError: if the content is anything but a vector of so many bytes.
        """
        reader = Reader("a masked vector", content)
        masked = cls(reader.raw(KEY), reader.raw(size), reader.raw(SIGNATURE))
        reader.end()
        return masked


@dataclass(frozen=True)
class Survivors:
    """To those whose vectors came: whose came. A party signs one such set a sum."""

    plan: bytes
    """digest"""
    members: tuple[int, ...]

    @property
    def body(self) -> bytes:
        """What is signed."""
        return Writer().raw(self.plan).numbers(self.members).content

    def to_bytes(self) -> bytes:
        """Kind and body."""
        return bytes([AGREE]) + self.body

    @classmethod
    def from_bytes(cls, content: bytes) -> "Survivors":
        """The inverse of ``to_bytes``.

        Args:
            content: all of the bytes.

        Returns:
            The set.

        Raises:
            WireError: if the bytes are anything else.
        """
        reader = Reader("a set of survivors", content)
        reader.number("B", AGREE, AGREE)
        survivors = cls(reader.raw(KEY), reader.numbers(MOST_PARTIES))
        reader.end()
        return survivors


@dataclass(frozen=True)
class OpenRequest:
    """To those who signed: everybody's signatures over the same set; give your shares."""

    plan: bytes
    """digest"""
    signatures: Mapping[int, bytes]
    """by party"""

    def to_bytes(self) -> bytes:
        """Kind, plan, signatures."""
        writer = Writer().number("B", OPEN).raw(self.plan).numbers(self.signatures)
        return writer.raw(b"".join(self.signatures.values())).content

    @classmethod
    def from_bytes(cls, content: bytes) -> "OpenRequest":
        """The inverse of ``to_bytes``.

        Args:
            content: all of the bytes.

        Returns:
            The request.

        Raises:
            WireError: if the bytes are anything else.
        """
        reader = Reader("a request for shares", content)
        reader.number("B", OPEN, OPEN)
        plan = reader.raw(KEY)
        request = cls(plan, {number: reader.raw(SIGNATURE) for number in reader.numbers(MOST_PARTIES)})
        reader.end()
        return request


@dataclass(frozen=True)
class OwnerShares:
    """Shares of one party's secrets of a sum: of a survivor's self-mask and surplus noise, or of a drop-out's key."""

    self_mask: bytes = b""
    surplus: bytes = b""
    mask: bytes = b""

    def write(self, writer: Writer) -> None:
        """Write which shares there are, then those.

        Args:
            writer: takes them.
        """
        there = (_SELF, self.self_mask), (_SURPLUS, self.surplus), (_PAIR, self.mask)
        writer.number("B", sum(flag for flag, share in there if share)).raw(self.self_mask + self.surplus + self.mask)

    @classmethod
    def read(cls, reader: Reader) -> "OwnerShares":
        """The inverse of ``write``.

        Args:
            reader: at the first byte of the shares.

        Returns:
            The shares of one owner.

        Raises:
            WireError: if they are of both kinds, which no honest party gives, or of neither.
        """
        flags = reader.number("B", 1)
        if flags not in (_SELF, _SELF | _SURPLUS, _PAIR):
            raise reader.wrong("shares of a survivor or of a drop-out", f"kinds {flags}")
        read = {flag: reader.raw(SHARE) for flag in (_SELF, _SURPLUS, _PAIR) if flags & flag}
        return cls(read.get(_SELF, b""), read.get(_SURPLUS, b""), read.get(_PAIR, b""))


@dataclass(frozen=True)
class Shares:
    """What a party gives for a sum to be opened."""

    plan: bytes
    """digest"""
    owners: Mapping[int, OwnerShares]
    """by whose secrets they are of; those whose parcel the party could not open are not there"""
    signature: bytes = b""

    @property
    def body(self) -> bytes:
        """What is signed."""
        writer = Writer().raw(self.plan).numbers(self.owners)
        for owner_shares in self.owners.values():
            owner_shares.write(writer)
        return writer.content

    def to_bytes(self) -> bytes:
        """Body and signature."""
        return self.body + self.signature

    @classmethod
    def from_bytes(cls, content: bytes) -> "Shares":
        """The inverse of ``to_bytes``.

        Args:
            content: all of the bytes.

        Returns:
            The shares.

        Raises:
            WireError: if the bytes are anything else.
        """
        reader = Reader("shares of a sum", content)
        plan = reader.raw(KEY)
        owners = {number: OwnerShares.read(reader) for number in reader.numbers(MOST_PARTIES)}
        shares = cls(plan, owners, reader.raw(SIGNATURE))
        reader.end()
        return shares
