"""What a user did with an item, and what of it makes the item part of their history."""

from enum import StrEnum


class FeedbackKind(StrEnum):
    """What a user did with an item."""

    SHOWN = "shown"
    CLICKED = "clicked"
    LIKED = "liked"
    DISLIKED = "disliked"
    PURCHASED = "purchased"


MET = frozenset({FeedbackKind.CLICKED, FeedbackKind.LIKED, FeedbackKind.PURCHASED})
"""What makes an item part of a user's history, and an event of the next fit."""
