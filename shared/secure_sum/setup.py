"""A set-up whose adverts are checked: what both sides derive from it, each for itself."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

from shared.errors import WireError
from shared.secure_sum.graph import Degree, degree, neighbours
from shared.secure_sum.quorum import quorum
from shared.secure_sum.roster import Member
from shared.secure_sum.setup_messages import ADVERT, Advert, KeyBook, SetupRequest
from shared.secure_sum.signing import require_signature
from shared.secure_sum.streams import digest, require_full_order


@dataclass(frozen=True)
class Setup:
    """A request and the adverts that answered it."""

    request: SetupRequest
    book: KeyBook

    @classmethod
    def checked(cls, request: SetupRequest, book: KeyBook) -> "Setup":
        """A set-up whose adverts are checked; the same bytes are checked once by a process.

        Args:
            request: who was asked, and for what.
            book: the adverts that answered it.

        Returns:
            The set-up.

        Raises:
            WireError: if an advert is not by a party of the roster, too few advertised, or a key is there twice.
        """
        return _checked(request.to_bytes(), book.to_bytes())

    @classmethod
    def known(cls, request: SetupRequest, book: KeyBook) -> "Setup":
        """A set-up that was checked before, such as when it was put into a state.

        Args:
            request: who was asked, and for what.
            book: the adverts that answered it.

        Returns:
            The set-up; signatures and keys are not checked again.
        """
        return _known(request.to_bytes(), book.to_bytes())

    @cached_property
    def digest(self) -> bytes:
        """32 bytes that name roster, terms and all keys."""
        return digest(b"keys", self.request.digest + self.book.to_bytes())

    @property
    def quorum(self) -> int:
        """Parties without whom no sum is opened."""
        return quorum(len(self.request.roster))

    @property
    def parties(self) -> tuple[int, ...]:
        """Numbers of those who advertised."""
        return tuple(self.book.adverts)

    @cached_property
    def degree(self) -> Degree:
        """Of the graph."""
        return degree(self.request.terms, len(self.parties), len(self.request.roster))

    @cached_property
    def neighbours(self) -> dict[int, tuple[int, ...]]:
        """Of each party."""
        return neighbours(self.digest, self.parties, self.degree.neighbours)

    def holders(self, number: int) -> tuple[int, ...]:
        """Who holds shares of a party's secrets: its neighbours and itself."""
        return tuple(sorted((number, *self.neighbours[number])))

    def member(self, number: int) -> Member:
        """By number."""
        return self.request.roster.members[number]


@lru_cache(maxsize=4)
def _known(request: bytes, book: bytes) -> Setup:
    return Setup(SetupRequest.from_bytes(request), KeyBook.from_bytes(book))


@lru_cache(maxsize=4)
def _checked(request_bytes: bytes, book_bytes: bytes) -> Setup:
    setup = _known(request_bytes, book_bytes)
    request, book = setup.request, setup.book
    for number, advert in book.adverts.items():
        require_advert(request, number, advert)
    if len(book.adverts) < quorum(len(request.roster)):
        expected = f"keys of at least {quorum(len(request.roster))} of {len(request.roster)} parties"
        raise WireError(f"a book of keys: expected {expected}; found {len(book.adverts)}")
    advertised = [advert.encryption for advert in book.adverts.values()]
    advertised += [keys.mask for advert in book.adverts.values() for keys in advert.sums]
    if len(set(advertised)) < len(advertised):
        raise WireError("a book of keys: expected each key once; found one twice")
    return setup


def require_advert(request: SetupRequest, number: int, advert: Advert) -> None:
    """Check that an advert is a party's for this set-up.

    Args:
        request: of the set-up.
        number: the party's number in the roster.
        advert: its keys, signed.

    Raises:
        WireError: if the roster has no such number, the advert is not that party's for this set-up, it has other parts
            than the terms ask for, or a key gives everybody the same secret.
    """
    if number >= len(request.roster):
        raise WireError(f"an advert of keys: expected one of {len(request.roster)} parties; found number {number}")
    require_signature(request.roster.members[number], ADVERT, request.digest, advert.body, advert.signature)
    commitments = {len(keys.commitments) for keys in advert.sums}
    if len(advert.sums) != request.terms.sums or commitments != {request.secrets - 1}:
        expected = f"{request.terms.sums} sums of {request.secrets} secrets"
        raise WireError(f"an advert of keys: expected {expected}; found {len(advert.sums)} of others")
    for key in (advert.encryption, *(keys.mask for keys in advert.sums)):
        require_full_order(key)


def forget_setups() -> None:
    """Nothing is known any more, as in a new process: for those who measure."""
    _known.cache_clear()
    _checked.cache_clear()
    degree.cache_clear()
