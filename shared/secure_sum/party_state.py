"""What a party keeps between messages, as plain data: it is to be sealed, since secrets are in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shared.errors import SumRefused
from shared.secure_sum.apart import SetHistory
from shared.secure_sum.fields import Reader, Writer
from shared.secure_sum.own_secrets import OwnSecrets, SumSecrets
from shared.secure_sum.roster import MOST_PARTIES
from shared.secure_sum.setup import Setup
from shared.secure_sum.setup_messages import KeyBook, SetupRequest
from shared.secure_sum.shamir import SHARE
from shared.secure_sum.streams import KEY
from shared.secure_sum.sum_messages import Plan
from shared.secure_sum.terms import MOST_SUMS

FORMAT = 1
_LARGEST = 2**32 - 1


@dataclass(frozen=True, kw_only=True)
class PartyState:
    """Of the set-up and the sum that are under way, and which sums there were."""

    request: SetupRequest | None = None
    secrets: OwnSecrets | None = None
    book: KeyBook | None = None
    members: tuple[int, ...] = ()
    """of the set-up's sums; empty before the first"""
    held: Mapping[int, bytes] = field(default_factory=dict)
    """shares by whose secrets they are of, its own too"""
    next_sum: int = 0
    """the lowest number that a sum may have"""
    plan: Plan | None = None
    """of the sum for which a masked vector left"""
    survivors: tuple[int, ...] = ()
    """the set that was signed for it"""
    history: SetHistory = field(default_factory=SetHistory)
    asked: bytes = b""
    """digest of the message that was answered last"""
    answer: bytes = b""

    def setup(self, setup_digest: bytes) -> Setup:
        """The set-up that a message names by its digest; raises SumRefused where it is not the one under way."""
        if self.request is None or self.book is None:
            raise SumRefused("expected a set-up before a sum; found none under way")
        setup = Setup.known(self.request, self.book)
        if setup.digest != setup_digest:
            raise SumRefused("expected a sum of the set-up under way; found one of another")
        return setup

    def of_sum(self, plan: bytes) -> tuple[Plan, Setup, OwnSecrets]:
        """The sum under way and its set-up; raises SumRefused where a message names another."""
        if self.plan is None or self.secrets is None or self.plan.digest != plan:
            raise SumRefused("expected the sum for which a masked vector left; found another, or one that is done")
        return self.plan, self.setup(self.plan.setup), self.secrets

    def without_sums(self, below: int) -> "PartyState":
        """Secrets and shares of sums whose number is lower forgotten; none of them can be asked for again."""
        if self.request is None or self.secrets is None:
            return self
        gone = bytes(below * self.request.secrets * SHARE)
        held = {owner: gone + shares[len(gone) :] for owner, shares in self.held.items()}
        return replace(self, secrets=self.secrets.without(below), held=held, next_sum=max(below, self.next_sum))

    def to_bytes(self) -> bytes:
        """All of it."""
        writer = Writer().number("B", FORMAT)
        for part in (self.request, self.book):
            writer.sized(part.to_bytes() if part else b"")
        writer.sized(_secret_bytes(self.secrets)).numbers(self.members).numbers(self.held)
        for shares in self.held.values():
            writer.sized(shares)
        writer.number("B", self.next_sum).sized(self.plan.to_bytes() if self.plan else b"").numbers(self.survivors)
        self.history.write(writer)
        return writer.sized(self.asked).sized(self.answer).content

    @classmethod
    def from_bytes(cls, content: bytes) -> "PartyState":
        """The inverse of ``to_bytes``; raises WireError for anything else."""
        reader = Reader("a party's state", content)
        reader.number("B", FORMAT, FORMAT)
        request, book, secrets = (reader.sized(_LARGEST) for _ in range(3))
        members, owners = reader.numbers(MOST_PARTIES), reader.numbers(MOST_PARTIES)
        held = {owner: reader.sized(_LARGEST) for owner in owners}
        next_sum, plan = reader.number("B", most=MOST_SUMS), reader.sized(_LARGEST)
        survivors = reader.numbers(MOST_PARTIES)
        state = cls(
            request=SetupRequest.from_bytes(request) if request else None,
            book=KeyBook.from_bytes(book) if book else None,
            secrets=_secrets(secrets) if secrets else None,
            members=members,
            held=held,
            next_sum=next_sum,
            plan=Plan.from_bytes(plan) if plan else None,
            survivors=survivors,
            history=SetHistory.read(reader),
            asked=reader.sized(KEY),
            answer=reader.sized(_LARGEST),
        )
        reader.end()
        return state


def _secret_bytes(secrets: OwnSecrets | None) -> bytes:
    if secrets is None:
        return b""
    return secrets.encryption + b"".join(
        sum_secrets.mask + sum_secrets.self_mask + sum_secrets.noise for sum_secrets in secrets.sums
    )


def _secrets(content: bytes) -> OwnSecrets:
    reader = Reader("a party's secrets", content)
    encryption, sums = reader.raw(KEY), (len(content) - KEY) // (3 * KEY)
    own_secrets = OwnSecrets(
        encryption, tuple(SumSecrets(reader.raw(KEY), reader.raw(KEY), reader.raw(KEY)) for _ in range(sums))
    )
    reader.end()
    return own_secrets
