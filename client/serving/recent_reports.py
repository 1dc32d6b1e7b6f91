"""The latest reports of callers, from which satisfaction is told while a platform serves."""

from collections import deque
from collections.abc import Callable, Iterable

from client.adaptation.intervals import Figure
from client.adaptation.satisfaction import satisfaction
from client.serving.requests import Feedback

SECONDS = 28 * 86_400.0
MOST = 50_000
"""events, the latest"""


class RecentReports:
    """Not locked: the service changes it under its own lock, and figures are told of a copy."""

    def __init__(self) -> None:
        self._events: deque[Feedback] = deque(maxlen=MOST)

    def add(self, events: Iterable[Feedback]) -> None:
        """Take events in, in the order in which they came."""
        self._events.extend(events)

    def forget(self, users: Iterable[str]) -> None:
        """Drop all that some users did."""
        gone = set(users)
        self._events = deque((event for event in self._events if event.user not in gone), MOST)

    def copy(self) -> list[Feedback]:
        """All of them."""
        return list(self._events)


def recent_satisfaction(
    events: Iterable[Feedback], is_known: Callable[[str], bool], now: float
) -> dict[tuple[str, str], Figure]:
    """The figures over the last four weeks.

    Args:
        events: the latest reports.
        is_known: whether the fit knew a user.
        now: seconds since 1970.

    Returns:
        By measure and slice.
    """
    return satisfaction((event for event in events if event.time >= now - SECONDS), is_known, now)
