"""How a platform folder is prepared: the options, which check themselves.

The order is fixed: rating filter, repeats, minimum events of items and users (three passes), ``users`` and
``items`` ranges, ``max_users``, users with under three events dropped, ``fraction`` of training users.
"""

import math
from dataclasses import dataclass
from typing import Literal

from shared.errors import ConfigError

Range = tuple[float, float]
"""From A to B percent of a seeded order, 0 <= A < B <= 100."""


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """What is kept of a platform folder; raises ConfigError where a value makes no sense."""

    min_rating: float | None = None
    """Events rated lower are dropped; None keeps all."""
    repeats: Literal["first", "keep"] = "first"
    """Whether a user's later events on the same item are dropped or kept."""
    min_user_events: int = 3
    """Users with fewer events are dropped."""
    min_item_events: int = 1
    """Items with fewer events are dropped."""
    users: Range | None = None
    """The part of the users that is taken; None takes all."""
    items: Range | None = None
    """The part of the catalogue that is taken; None takes all."""
    max_users: int | None = None
    """At most so many users; None sets no limit."""
    fraction: float = 1.0
    """The part of the users whose events may be trained on; the test users stay the same."""
    ordered: bool = True
    """False where the events have no meaningful order in time."""

    def __post_init__(self) -> None:
        if self.min_rating is not None and not math.isfinite(self.min_rating):
            raise ConfigError(f"min-rating must be a finite number; got {self.min_rating}")
        if self.repeats not in ("first", "keep"):
            raise ConfigError(f"repeats must be one of first, keep; got {self.repeats!r}")
        if not 0 < self.fraction <= 1:
            raise ConfigError(f"fraction must be above 0 and at most 1; got {self.fraction:g}")
        _check_at_least_one("min-user-events", self.min_user_events)
        _check_at_least_one("min-item-events", self.min_item_events)
        _check_at_least_one("max-users", self.max_users)
        _check_range("users", self.users)
        _check_range("items", self.items)


def _check_at_least_one(name: str, count: int | None) -> None:
    if count is not None and count < 1:
        raise ConfigError(f"{name} must be 1 or more; got {count}")


def _check_range(name: str, part: Range | None) -> None:
    if part is not None and not 0 <= part[0] < part[1] <= 100:
        raise ConfigError(
            f"{name} must be A-B in percent with 0 <= A < B <= 100; got {part[0]:g}-{part[1]:g}"
        )
