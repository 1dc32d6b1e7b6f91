"""What a coordinator keeps between messages, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.secure_sum.fields import Reader, Writer
from shared.secure_sum.roster import MOST_PARTIES
from shared.secure_sum.setup_messages import SetupRequest
from shared.secure_sum.sum_messages import Plan
from shared.secure_sum.terms import MOST_SUMS

FORMAT = 1
STAGES = ("keys", "shares", "ready", "mask", "agree", "open", "over")
"""of a coordinator: two of the set-up, none, three of a sum, and a set-up that failed"""
_LARGEST = 2**32 - 1
Answers = Mapping[int, bytes]
"""By party's number, what it answered"""


@dataclass(frozen=True, kw_only=True)
class CoordinatorState:
    """Of a set-up and the sum that is under way."""

    request: SetupRequest
    stage: str = "keys"
    adverts: Answers = field(default_factory=dict)
    parcels: Answers = field(default_factory=dict)
    delivered: tuple[int, ...] = ()
    """who answered a sum, and so has its parcels"""
    next_sum: int = 0
    plan: Plan | None = None
    total: bytes = b""
    """elements of the sum of the masked vectors that came, as they lie in memory"""
    masked: Answers = field(default_factory=dict)
    """digests"""
    agreements: Answers = field(default_factory=dict)
    shares: Answers = field(default_factory=dict)

    @property
    def members(self) -> tuple[int, ...]:
        """Who sent shares: the same in all sums of the set-up."""
        return tuple(sorted(self.parcels))

    def to_bytes(self) -> bytes:
        """All of it."""
        writer = Writer().number("B", FORMAT).sized(self.request.to_bytes()).number("B", STAGES.index(self.stage))
        writer.numbers(self.delivered).number("B", self.next_sum)
        writer.sized(self.plan.to_bytes() if self.plan else b"").sized(self.total)
        for answers in (self.adverts, self.parcels, self.masked, self.agreements, self.shares):
            writer.numbers(sorted(answers))
            for number in sorted(answers):
                writer.sized(answers[number])
        return writer.content

    @classmethod
    def from_bytes(cls, content: bytes) -> "CoordinatorState":
        """The inverse of ``to_bytes``; raises WireError for anything else."""
        reader = Reader("a coordinator's state", content)
        reader.number("B", FORMAT, FORMAT)
        request, stage = SetupRequest.from_bytes(reader.sized(_LARGEST)), reader.number("B", most=len(STAGES) - 1)
        delivered, next_sum = reader.numbers(MOST_PARTIES), reader.number("B", most=MOST_SUMS)
        plan, total = reader.sized(_LARGEST), reader.sized(_LARGEST)
        adverts, parcels, masked, agreements, shares = (_answers(reader) for _ in range(5))
        reader.end()
        return cls(
            request=request,
            stage=STAGES[stage],
            adverts=adverts,
            parcels=parcels,
            delivered=delivered,
            next_sum=next_sum,
            plan=Plan.from_bytes(plan) if plan else None,
            total=total,
            masked=masked,
            agreements=agreements,
            shares=shares,
        )


def _answers(reader: Reader) -> dict[int, bytes]:
    return {number: reader.sized(_LARGEST) for number in reader.numbers(MOST_PARTIES)}
