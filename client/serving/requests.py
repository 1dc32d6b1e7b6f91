"""What a caller may ask for and what he gets, whatever the protocol."""

from dataclasses import dataclass

from client.recommender.growth import NewItem
from client.serving.limits import (
    CATEGORIES,
    EXCLUSIONS,
    ID_LENGTH,
    LIST_LENGTH,
    SESSION_LENGTH,
    TEXT_LENGTH,
    check_count,
    check_id,
)
from shared.errors import InvalidRequest


@dataclass(frozen=True, kw_only=True)
class ListRequest:
    """A list for a user, a session, both or nobody in particular; raises InvalidRequest where it makes no sense."""

    user: str = ""
    """empty where he is not known"""
    session: tuple[str, ...] = ()
    """ids of the latest items he met, oldest first"""
    k: int = 10
    categories: tuple[str, ...] = ()
    """only items of these; empty allows all"""
    exclude: tuple[str, ...] = ()
    """ids of items that are not wanted"""
    diversity: float = 0.0
    """from 0 to 1: how much relevance is given up for items that are less alike"""
    reasons: bool = False
    """whether the history's part in each item is wanted; it takes many times as long"""

    def __post_init__(self) -> None:
        if self.user:
            check_id("user", self.user)
        check_count("k", self.k, LIST_LENGTH, 1)
        check_count("the items of session", len(self.session), SESSION_LENGTH)
        check_count("the items of exclude", len(self.exclude), EXCLUSIONS)
        check_count("categories", len(self.categories), CATEGORIES)
        for name in ("session", "exclude"):
            for item in getattr(self, name):
                check_id(f"an item of {name}", item)
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


@dataclass(frozen=True, kw_only=True)
class ListAnswer:
    """A list, never empty."""

    items: tuple[ListedItem, ...]
    basis: str
    """``history``, or ``popularity`` where nothing is known of the user"""
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


def check_item(item: NewItem) -> None:
    """Raises InvalidRequest where a part is too long."""
    check_id("item", item.item_id)
    check_count("the characters of an item's text", len(item.text), TEXT_LENGTH)
    check_count("the characters of a category", len(item.category), ID_LENGTH)
