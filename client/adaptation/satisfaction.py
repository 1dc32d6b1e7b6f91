"""What users make of their lists, from feedback alone: formulas with intervals, for all users, known and new ones.

A list is what was reported as shown to a user at one time, in the order of the reports. Over the lists of a time:

click-through       items that their user met within a day / items shown
position-corrected  items met / Σ over items shown of the share that is met at their place (clicks over expected clicks:
                    Zhang, Jones: Comparing click logs and editorial labels, 2007); all users have 1
hit-rate            lists of which their user met an item within a day / lists
abandonment         lists after which their user reported nothing, and saw no other list, for half an hour / lists
dislikes            items that their user disliked within a day / items shown
return-rate         users who are seen again one to seven days after their first list / users whose first list is so old

Clicked, liked and purchased is met. Feedback does not tell dwell time.
"""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from client.adaptation.intervals import Figure, ratio, share
from client.data.feedback import MET, FeedbackKind

MEASURES = ("click-through", "position-corrected", "hit-rate", "abandonment", "dislikes", "return-rate")
SLICES = ("all", "known", "new")
"""of users; known ones are those whom the fit knew"""
_DAY, _HALF_HOUR = 86_400.0, 1_800.0
_BACK = (1 * _DAY, 7 * _DAY)
"""after a user's first list, in which they are seen again"""


class Reported(Protocol):
    """What a user did."""

    @property
    def user(self) -> str:
        """Their id."""
        ...

    @property
    def item(self) -> str:
        """Its id."""
        ...

    @property
    def kind(self) -> FeedbackKind:
        """What they did."""
        ...

    @property
    def time(self) -> float:
        """Seconds since 1970."""
        ...


class _Moments:
    """When something happened, by key."""

    def __init__(self) -> None:
        self._times: dict[object, list[float]] = defaultdict(list)

    def add(self, key: object, time: float) -> None:
        self._times[key].append(time)

    def sort(self) -> None:
        for times in self._times.values():
            times.sort()

    def within(self, key: object, first: float, last: float) -> bool:
        """Whether it did from one moment to another, both included."""
        times = self._times.get(key, ())
        place = bisect_left(times, first)
        return place < len(times) and times[place] <= last


@dataclass
class _OfUser:
    """Sums over a user's lists."""

    lists: int = 0
    hits: int = 0
    left: int = 0
    shown: int = 0
    met: int = 0
    disliked: int = 0
    expected: float = 0.0


class _Events:
    """Feedback, by what is asked of it."""

    def __init__(self, events: Iterable[Reported], now: float) -> None:
        self.lists: dict[tuple[str, float], list[str]] = defaultdict(list)
        self.met, self.disliked, self.seen = _Moments(), _Moments(), _Moments()
        for event in events:
            if event.time > now:
                continue
            self.seen.add(event.user, event.time)
            if event.kind is FeedbackKind.SHOWN:
                self.lists[event.user, event.time].append(event.item)
            else:
                moments = self.met if event.kind in MET else self.disliked
                moments.add((event.user, event.item), event.time)
        for moments in (self.met, self.disliked, self.seen):
            moments.sort()

    def by_user(self) -> dict[str, _OfUser]:
        """What each user made of their lists."""
        taken = {
            (user, time): [self.met.within((user, item), time, time + _DAY) for item in items]
            for (user, time), items in self.lists.items()
        }
        at_place = _shares_at_places(list(taken.values()))
        sums: dict[str, _OfUser] = defaultdict(_OfUser)
        for (user, time), items in self.lists.items():
            of_user, hits = sums[user], taken[user, time]
            of_user.lists += 1
            of_user.hits += any(hits)
            of_user.left += not self.seen.within(user, math.nextafter(time, math.inf), time + _HALF_HOUR)
            of_user.shown += len(items)
            of_user.met += sum(hits)
            of_user.disliked += sum(self.disliked.within((user, item), time, time + _DAY) for item in items)
            of_user.expected += float(at_place[: len(items)].sum())
        return sums

    def returned(self, now: float) -> dict[str, bool]:
        """Whether users came back, of those whose first list is old enough to tell."""
        first: dict[str, float] = {}
        for user, time in self.lists:
            first[user] = min(time, first.get(user, math.inf))
        return {
            user: self.seen.within(user, time + _BACK[0], time + _BACK[1])
            for user, time in first.items()
            if time + _BACK[1] <= now
        }


def satisfaction(
    events: Iterable[Reported], is_known: Callable[[str], bool], now: float
) -> dict[tuple[str, str], Figure]:
    """The figures.

    Args:
        events: what was reported, in any order but that of items within a list.
        is_known: whether the fit knew a user.
        now: seconds since 1970; what is later did not happen yet.

    Returns:
        By measure and slice; what nobody stands behind is left out.
    """
    told = _Events(events, now)
    sums, returned = told.by_user(), told.returned(now)
    figures: dict[tuple[str, str], Figure] = {}
    for name in SLICES:
        users = [user for user in sums if name == "all" or is_known(user) == (name == "known")]
        back = np.array([returned[user] for user in users if user in returned], float)
        of = {key: np.array([getattr(sums[user], key) for user in users], float) for key in vars(_OfUser())}
        of_slice = {
            "click-through": share(of["met"], of["shown"]),
            "position-corrected": ratio(of["met"], of["expected"]),
            "hit-rate": share(of["hits"], of["lists"]),
            "abandonment": share(of["left"], of["lists"]),
            "dislikes": share(of["disliked"], of["shown"]),
            "return-rate": share(back, np.ones(len(back))),
        }
        figures |= {(measure, name): figure for measure, figure in of_slice.items() if figure is not None}
    return figures


def met_shares(events: Iterable[Reported], now: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Click-through of each user's first list of a day, of lists that are a day old.

    Args:
        events: what was reported.
        now: seconds since 1970.

    Returns:
        [M] when lists were shown, in order, and [M] which share of their items was met.
    """
    told, seen, shares = _Events(events, now), set[tuple[str, int]](), list[tuple[float, float]]()
    for user, time in sorted(told.lists, key=lambda key: key[1]):
        visit = (user, int(time // _DAY))
        if visit in seen or time > now - _DAY:
            continue
        seen.add(visit)
        items = told.lists[user, time]
        met = sum(told.met.within((user, item), time, time + _DAY) for item in items)
        shares.append((time, met / len(items)))
    times, values = np.array(shares).reshape(-1, 2).T
    return times, values


def _shares_at_places(taken: Sequence[Sequence[bool]]) -> NDArray[np.float64]:
    """[longest] at each place of a list, the share of the items shown there that were met."""
    longest = max(map(len, taken), default=0)
    met, shown = np.zeros(longest), np.zeros(longest)
    for hits in taken:
        met[: len(hits)] += hits
        shown[: len(hits)] += 1
    return met / np.maximum(shown, 1)
