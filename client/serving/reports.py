"""What callers report while a platform serves: feedback on items, and users who shall be forgotten."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from client.serving.limits import check_id, check_time
from shared.errors import InvalidRequest


class FeedbackKind(StrEnum):
    """What a user did with an item."""

    SHOWN = "shown"
    CLICKED = "clicked"
    LIKED = "liked"
    DISLIKED = "disliked"
    PURCHASED = "purchased"


MET = frozenset({FeedbackKind.CLICKED, FeedbackKind.LIKED, FeedbackKind.PURCHASED})
"""What makes an item part of a user's history, and an event of the next fit."""


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """One event; raises InvalidRequest where a part makes no sense."""

    event_id: str
    """the caller's own; a second report under it changes nothing"""
    user: str
    item: str
    kind: FeedbackKind
    time: float
    """seconds since 1970"""

    def __post_init__(self) -> None:
        for name, value in (("event_id", self.event_id), ("user", self.user), ("item", self.item)):
            check_id(name, value)
        check_time(self.time)

    def to_json(self) -> dict[str, Any]:
        """As an entry of the journal."""
        return {
            "kind": "feedback",
            "id": self.event_id,
            "user": self.user,
            "item": self.item,
            "what": str(self.kind),
            "time": self.time,
        }

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> "Feedback":
        """The inverse of ``to_json``."""
        kind = FeedbackKind(facts["what"])
        return cls(event_id=facts["id"], user=facts["user"], item=facts["item"], kind=kind, time=facts["time"])


def feedback_kind(name: str) -> FeedbackKind:
    """Raises InvalidRequest for an unknown name."""
    try:
        return FeedbackKind(name)
    except ValueError as error:
        raise InvalidRequest(f"kind must be one of {', '.join(FeedbackKind)}; got {name[:40]!r}") from error


def pseudonym(user: str, salt: str) -> str:
    """By which a forgotten user is recognised in what the platform still holds of him, without his id being kept."""
    return hashlib.blake2b(user.encode("utf-8", "surrogatepass"), key=bytes.fromhex(salt), digest_size=16).hexdigest()
