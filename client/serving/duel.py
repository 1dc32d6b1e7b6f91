"""A served head and its challenger on live lists: who gave which item, whose items users take, and who has won.

Both heads give to a list (``team_draft``), and the first of its items that one of them alone gave and that the user
meets within a day is a point for who gave it. Where neither head is better a point is either side's with probability ½,
whatever came before, so that the winner may be asked for at any moment (``preference_bets``). What was given stands in
the journal: a service that starts again counts on.
"""

import math
import secrets
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from client.adaptation.preference_bets import log_wealth
from client.adaptation.team_draft import CHALLENGER, CHAMPION, NEITHER, Picked, team_draft
from client.data.feedback import MET
from client.serving.journal_lines import Entry, Facts
from client.serving.live_head import LiveHead
from client.serving.requests import CAME, Feedback, ListAnswer, ListRequest

LISTED = "list"
"""kind of an entry of the journal"""
ALPHA = 0.05
"""probability that a head wins which is not the better one"""
MOST_POINTS = 20_000
"""after which the challenger has not won"""
CREDIT_SECONDS = 86_400.0
_LISTS_OF_A_USER = 5
_OTHER = {CHAMPION: CHALLENGER, CHALLENGER: CHAMPION}


@dataclass(frozen=True, kw_only=True)
class _Given:
    """A list without a point yet."""

    sides: dict[str, str]
    """by item, who gave it"""
    at: float


def _latest() -> deque[_Given]:
    return deque(maxlen=_LISTS_OF_A_USER)


@dataclass(eq=False, kw_only=True)
class Duel:
    """Not locked: the service changes it under its own lock."""

    champion: str
    """lasting name of the served head"""
    live: LiveHead
    """the challenger's"""
    points: dict[str, int] = field(default_factory=lambda: {CHAMPION: 0, CHALLENGER: 0})
    _given: dict[str, deque[_Given]] = field(default_factory=lambda: defaultdict(_latest))

    @property
    def name(self) -> str:
        """Of both heads."""
        return f"{self.champion}/{self.live.lasting_name}"

    @property
    def winner(self) -> str:
        """The side that has won; empty while neither has."""
        for side, other in _OTHER.items():
            if log_wealth(self.points[side], self.points[other]) >= math.log(1 / ALPHA):
                return side
        return CHAMPION if sum(self.points.values()) >= MOST_POINTS else ""

    def judges(self, request: ListRequest) -> bool:
        """Whether reports may be told to be of the list: one of now, of a user who is known by an id."""
        return bool(request.user) and request.as_of is None and not request.basket

    def read(self, entries: Iterable[Entry]) -> None:
        """Take entries of the journal in, oldest first, those of other duels passed over."""
        for entry in entries:
            if entry.facts["kind"] == LISTED:
                self.give(entry.facts)
            elif entry.facts["kind"] == "feedback":
                event = self.live.form.event(Feedback.from_json(dict(entry.facts)))
                self.take(event, entry.facts.get(CAME, event.time))

    def give(self, facts: Facts) -> None:
        """Take a list in, as ``listed`` told it, with when it was given."""
        if facts["duel"] == self.name:
            sides = dict(zip(facts["items"], facts["sides"], strict=True))
            self._given[facts["user"]].append(_Given(sides=sides, at=facts[CAME]))

    def take(self, event: Feedback, now: float) -> None:
        """Count the point of an event, if it is one.

        Args:
            event: what a user did, its ids in the form of the fit.
            now: when it came, in seconds since 1970.
        """
        if event.kind not in MET or event.user not in self._given:
            return
        given = self._given[event.user]
        for told in reversed(given):
            if told.sides.get(event.item, NEITHER) != NEITHER and now - told.at <= CREDIT_SECONDS:
                self.points[told.sides[event.item]] += 1
                given.remove(told)
                return

    def forget(self, user: str) -> None:
        """Drop a user's lists; points stay."""
        self._given.pop(user, None)

    def drafted(self, champion: ListAnswer, challenger: ListAnswer, k: int) -> tuple[ListAnswer, list[Picked]]:
        """The list of both.

        Args:
            champion: the list of the served head.
            challenger: that of the other one.
            k: how many items are wanted.

        Returns:
            The list, each item with the score that its side gives it, under the name of the served head; and who gave
            which item.
        """
        ours, theirs = ({listed.item: listed for listed in answer.items} for answer in (champion, challenger))
        picked = team_draft(list(ours), list(theirs), k, lambda: bool(secrets.randbits(1)))
        listed = tuple((theirs if pick.side == CHALLENGER else ours)[pick.item] for pick in picked)
        return ListAnswer(
            items=listed, basis=champion.basis, unknown_items=champion.unknown_items, head=champion.head
        ), picked

    def listed(self, user: str, picked: Sequence[Picked]) -> dict[str, Any]:
        """As an entry of the journal.

        Args:
            user: who gets the list.
            picked: its items.

        Returns:
            The entry.
        """
        return {
            "kind": LISTED,
            "user": user,
            "duel": self.name,
            "items": [pick.item for pick in picked],
            "sides": "".join(pick.side for pick in picked),
        }
