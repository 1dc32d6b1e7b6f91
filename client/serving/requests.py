"""What a caller may ask for, gets and reports, whatever the protocol, and how large each part may be."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from client.data.feedback import FeedbackKind
from client.data.missing import is_missing
from client.data.times import EARLIEST, LATEST, seconds_of
from client.recommender.catalogue_update import NewItem
from shared.errors import InvalidRequest

ID_LENGTH = 256
TEXT_LENGTH = 20_000
LIST_LENGTH = 1_000
SESSION_LENGTH = 200
EXCLUSIONS = 10_000
CATEGORIES = 100
REQUESTS_AT_ONCE = 100
REPORTS_AT_ONCE = 1_000
ITEMS_AT_ONCE = 500
_EARLIEST_PUBLISHED = -62_135_596_800.0
"""The year 1."""
_NO_SECONDS = 1e6
"""Up to so many, years and days since 1970 are not told from seconds: twelve days on either side of 1970."""
MESSAGE_BYTES = 4 * 1024 * 1024


def check_id(name: str, value: str) -> None:
    """Check that a text is 1 to ID_LENGTH characters.

    Args:
        name: what it is called in the error.
        value: the text.

    Raises:
        InvalidRequest: if it is shorter or longer.
    """
    if not 1 <= len(value) <= ID_LENGTH:
        raise InvalidRequest(f"{name} must have 1 to {ID_LENGTH} characters; got {len(value)}")


def check_present(name: str, value: str) -> None:
    """Check that a text is an id, which no word for a missing value is.

    Args:
        name: what it is called in the error.
        value: the text.

    Raises:
        InvalidRequest: if it is none.
    """
    check_id(name, value)
    if is_missing(value):
        raise InvalidRequest(f"{name} must be an id; got {value!r}, which stands for a missing value")


def check_user(value: str) -> None:
    """Check the user of a list, who may be empty.

    Args:
        value: their id.

    Raises:
        InvalidRequest: if it is neither empty nor an id.
    """
    if value:
        check_present("user", value)


def check_count(name: str, count: int, most: int, least: int = 0) -> None:
    """Check that a number is within both bounds.

    Args:
        name: what it is called in the error.
        count: the number.
        most: the largest that is allowed.
        least: the smallest that is allowed.

    Raises:
        InvalidRequest: if it is not.
    """
    if not least <= count <= most:
        raise InvalidRequest(f"{name} must be {least} to {most}; got {count}")


def check_time(value: float, name: str = "time") -> None:
    """Check that a number is a time of an event, or of a list.

    Args:
        value: seconds since 1970, of the years 1990 to 2099.
        name: what it is called in the error.

    Raises:
        InvalidRequest: if it is no such time.
    """
    if not (math.isfinite(value) and EARLIEST <= value <= LATEST):
        raise InvalidRequest(f"{name} must be seconds since 1970, of the years 1990 to 2099{_of_smaller(value)}")


def check_published(value: float) -> None:
    """Check that a number is a time at which an item came out, which may be long ago.

    Args:
        value: seconds since 1970, negative before it.

    Raises:
        InvalidRequest: if it is no such time: a number near 0 is a year, or a count of days.
    """
    if not (math.isfinite(value) and _EARLIEST_PUBLISHED <= value <= LATEST and abs(value) > _NO_SECONDS):
        raise InvalidRequest(
            "published must be seconds since 1970, negative before it, and neither a year nor a number of days"
            f"{_of_smaller(value)}"
        )


def _of_smaller(value: float) -> str:
    """What to do with a number of a smaller unit."""
    return "; milliseconds have to be divided by 1,000, microseconds by 1,000,000" if value > LATEST else ""


@dataclass(frozen=True, kw_only=True)
class ListRequest:
    """A list for a user, a session, both or nobody in particular; raises InvalidRequest where it makes no sense."""

    user: str = ""
    """empty where they are not known"""
    session: tuple[str, ...] = ()
    """ids of the latest items they met, oldest first"""
    k: int = 10
    categories: tuple[str, ...] = ()
    """only items of these; empty allows all"""
    exclude: tuple[str, ...] = ()
    """ids of items that are not wanted"""
    diversity: float = 0.0
    """from 0 to 1: how much relevance is given up for items that are less alike"""
    reasons: bool = False
    """whether the history's part in each item is wanted; it takes many times as long"""
    basket: bool = False
    """whether the session is a basket that is to be completed: wanted is what goes with all of it"""
    as_of: float | None = None
    """seconds since 1970, past: the list as it was given then; None for now"""

    def __post_init__(self) -> None:
        check_user(self.user)
        check_count("k", self.k, LIST_LENGTH, 1)
        check_count("the items of session", len(self.session), SESSION_LENGTH)
        check_count("the items of exclude", len(self.exclude), EXCLUSIONS)
        check_count("categories", len(self.categories), CATEGORIES)
        for name in ("session", "exclude"):
            for item in getattr(self, name):
                check_id(f"an item of {name}", item)
        if self.as_of is not None:
            check_time(self.as_of, "as_of")
        if self.basket and not self.session:
            raise InvalidRequest("basket needs a session that holds the basket's items; got an empty session")
        if not 0 <= self.diversity <= 1:
            raise InvalidRequest(f"diversity must be 0 to 1; got {self.diversity:g}")


@dataclass(frozen=True, kw_only=True)
class ListedItem:
    """An item of a list."""

    item: str
    title: str
    score: float
    scorers: tuple[tuple[str, float], ...]
    """what each adds to the score, the largest first"""
    history: tuple[tuple[str, float], ...]
    """items of the history and how far the score would fall without each, the largest first"""
    history_titles: tuple[str, ...] = ()
    """of the items of ``history``"""


@dataclass(frozen=True, kw_only=True)
class ListAnswer:
    """A list, never empty."""

    items: tuple[ListedItem, ...]
    basis: str
    """``history``; ``popularity`` where nothing is known of the user; ``basket`` where it completes one"""
    unknown_items: int
    """of the session, which are not in the catalogue"""
    head: str
    """which head answered"""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What became of reports."""

    accepted: int
    repeated: int = 0
    """were known already"""
    head: str = ""
    unknown_events: tuple[str, ...] = ()
    """ids of the events whose item is not in the catalogue: kept, and counted from when the item is in it"""


def check_item(item: NewItem) -> None:
    """Raises InvalidRequest where a part is too long, its id is none, or when it was published no time."""
    check_present("item", item.item_id)
    check_count("the characters of an item's text", len(item.text), TEXT_LENGTH)
    check_count("the characters of a category", len(item.category), ID_LENGTH)
    if item.published is not None:
        check_published(item.published)


def item_to_json(item: NewItem) -> dict[str, Any]:
    """As an entry of the journal."""
    return {
        "kind": "item",
        "id": item.item_id,
        "text": item.text,
        "category": item.category,
        "vector": list(item.vector),
        "published": item.published,
    }


def item_from_json(facts: Mapping[str, Any]) -> NewItem:
    """The inverse of ``item_to_json``; an entry of before items could say it tells not when one was published."""
    return NewItem(
        item_id=facts["id"],
        text=facts["text"],
        category=facts["category"],
        vector=tuple(facts["vector"]),
        published=facts.get("published"),
    )


CAME = "at"
"""Fact of an entry of the journal: when it came, in seconds since 1970; entries of before have none."""


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """One event; whoever takes it from a caller checks it: a journal of before may hold what is refused today."""

    event_id: str
    """the caller's own; a second report under it changes nothing"""
    user: str
    item: str
    kind: FeedbackKind
    time: float
    """seconds since 1970"""

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
        """The inverse of ``to_json``; a time in another unit, which was once taken, comes out in seconds.

        What claims a time after it came is of when it came: else it would be of now at each start.
        """
        kind, time = FeedbackKind(facts["what"]), min(seconds_of(facts["time"]), facts.get(CAME, math.inf))
        return cls(event_id=facts["id"], user=facts["user"], item=facts["item"], kind=kind, time=time)


def check_event(event: Feedback) -> None:
    """Raises InvalidRequest where an id is none, or the time is none of an event."""
    for name in ("event_id", "user", "item"):
        check_present(name, getattr(event, name))
    check_time(event.time)


def feedback_kind(name: str) -> FeedbackKind:
    """Raises InvalidRequest for an unknown name."""
    try:
        return FeedbackKind(name)
    except ValueError as error:
        raise InvalidRequest(f"kind must be one of {', '.join(FeedbackKind)}; got {name[:40]!r}") from error


def pseudonym(user: str, salt: str) -> str:
    """By which a forgotten user is recognised in what the platform still holds of them, without their id being kept.

    Args:
        user: their id.
        salt: in hexadecimal digits.

    Returns:
        32 hexadecimal digits.
    """
    return hashlib.blake2b(user.encode("utf-8", "surrogatepass"), key=bytes.fromhex(salt), digest_size=16).hexdigest()
