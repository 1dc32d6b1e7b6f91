"""Messages of a set-up: who is asked, which keys each advertises, what shares each sends."""

from dataclasses import dataclass
from functools import cached_property

from shared.secure_sum.fields import Reader, Writer
from shared.secure_sum.noise_parts import levels
from shared.secure_sum.roster import MOST_PARTIES, Roster
from shared.secure_sum.shamir import SHARE
from shared.secure_sum.signing import SIGNATURE
from shared.secure_sum.streams import KEY, digest
from shared.secure_sum.terms import MOST_SUMS, SetupTerms

SETUP, BOOK = 1, 2
"""kinds of what the coordinator sends; sums have the others"""
ADVERT, PARCELS = b"advert", b"parcels"
"""kinds of what parties sign"""
TAG = 16
"""bytes that authenticate a parcel"""


@dataclass(frozen=True)
class SetupRequest:
    """To all parties of a roster: advertise keys."""

    nonce: bytes
    terms: SetupTerms
    roster: Roster

    @cached_property
    def digest(self) -> bytes:
        """What adverts are signed for."""
        return digest(b"set-up", self.to_bytes())

    @property
    def secrets(self) -> int:
        """Secrets a sum of which each party shares: mask key, self-mask seed, a seed a part of noise but the first."""
        return 2 + (len(levels(len(self.roster))) - 1 if self.terms.noised else 0)

    @property
    def parcel(self) -> int:
        """Bytes of a parcel."""
        return self.terms.sums * self.secrets * SHARE + TAG

    def to_bytes(self) -> bytes:
        """Kind, nonce, terms, roster."""
        writer = Writer().number("B", SETUP).raw(self.nonce)
        self.terms.write(writer)
        return writer.raw(self.roster.to_bytes()).content

    @classmethod
    def from_bytes(cls, content: bytes) -> "SetupRequest":
        """The inverse of ``to_bytes``.

        Args:
            content: all of the bytes.

        Returns:
            The request.

        Raises:
            WireError: if the bytes are anything else.
        """
        reader = Reader("a request for keys", content)
        reader.number("B", SETUP, SETUP)
        request = cls(reader.raw(KEY), SetupTerms.read(reader), Roster.read(reader))
        reader.end()
        return request


@dataclass(frozen=True)
class SumKeys:
    """What a party advertises for one sum."""

    mask: bytes
    """X25519 public key"""
    commitments: tuple[bytes, ...]
    """digests of self-mask seed and noise seeds; the mask key's public half is its own"""


@dataclass(frozen=True)
class Advert:
    """A party's keys for all sums of a set-up."""

    encryption: bytes
    """X25519 public key under which it is sent shares"""
    sums: tuple[SumKeys, ...]
    signature: bytes = b""

    @cached_property
    def body(self) -> bytes:
        """What is signed."""
        writer = Writer().raw(self.encryption).number("B", len(self.sums)).number("B", len(self.sums[0].commitments))
        for keys in self.sums:
            writer.raw(keys.mask).raw(b"".join(keys.commitments))
        return writer.content

    def to_bytes(self) -> bytes:
        """Body and signature."""
        return self.body + self.signature

    @classmethod
    def read(cls, reader: Reader) -> "Advert":
        """Take what ``to_bytes`` wrote out of a longer message.

        Args:
            reader: at its first byte.

        Returns:
            The advert.

        Raises:
            WireError: if there is anything else.
        """
        encryption = reader.raw(KEY)
        sums, commitments = reader.number("B", 1, MOST_SUMS), reader.number("B", 1)
        keys = tuple(SumKeys(reader.raw(KEY), tuple(reader.raw(KEY) for _ in range(commitments))) for _ in range(sums))
        return cls(encryption, keys, reader.raw(SIGNATURE))

    @classmethod
    def from_bytes(cls, content: bytes) -> "Advert":
        """The inverse of ``to_bytes``.

        Args:
            content: all of the bytes.

        Returns:
            The advert.

        Raises:
            WireError: if the bytes are anything else.
        """
        reader = Reader("an advert of keys", content)
        advert = cls.read(reader)
        reader.end()
        return advert


@dataclass(frozen=True)
class KeyBook:
    """To all who advertised: what all advertised."""

    adverts: dict[int, Advert]
    """by party's number in the roster"""

    def to_bytes(self) -> bytes:
        """Kind, then number and advert of each."""
        writer = Writer().number("B", BOOK).numbers(self.adverts)
        return writer.raw(b"".join(advert.to_bytes() for advert in self.adverts.values())).content

    @classmethod
    def from_bytes(cls, content: bytes) -> "KeyBook":
        """The inverse of ``to_bytes``.

        Args:
            content: all of the bytes.

        Returns:
            The book.

        Raises:
            WireError: if the bytes are anything else.
        """
        reader = Reader("a book of keys", content)
        reader.number("B", BOOK, BOOK)
        book = cls({number: Advert.read(reader) for number in reader.numbers(MOST_PARTIES)})
        reader.end()
        return book


@dataclass(frozen=True)
class Parcels:
    """A party's shares for its neighbours, each sealed for one of them."""

    sealed: dict[int, bytes]
    """by the receiver's number"""
    signature: bytes = b""

    @cached_property
    def body(self) -> bytes:
        """What is signed."""
        return Writer().numbers(self.sealed).raw(b"".join(self.sealed.values())).content

    def to_bytes(self) -> bytes:
        """Body and signature."""
        return self.body + self.signature

    @classmethod
    def from_bytes(cls, content: bytes, parcel: int) -> "Parcels":
        """The inverse of ``to_bytes``.

        Args:
            content: the whole message.
            parcel: bytes of each parcel.

        Returns:
            The parcels.

        Raises:
            WireError: if the content is anything but parcels of so many bytes.
        """
        reader = Reader("parcels of shares", content)
        sealed = {number: reader.raw(parcel) for number in reader.numbers(MOST_PARTIES)}
        parcels = cls(sealed, reader.raw(SIGNATURE))
        reader.end()
        return parcels
