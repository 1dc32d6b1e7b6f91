"""What a journal tells beside a head: histories, items, forgotten users; all of it, or what had come by a moment."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from client.recommender.catalogue_update import NewItem, keep_latest
from client.recommender.served_head import ServedHead
from client.serving.histories import Histories
from client.serving.id_form import IdForm
from client.serving.journal_lines import Entry, Facts
from client.serving.live_head import LiveHead
from client.serving.requests import CAME, Feedback, item_from_json, pseudonym
from shared.errors import InvalidRequest

_REMOVED = "removed"


def stamped(facts: Facts, now: float) -> dict[str, Any]:
    """An entry that comes now.

    Args:
        facts: the entry, as JSON.
        now: seconds since 1970.

    Returns:
        The entry, with when it came.
    """
    return {**facts, CAME: now}


@dataclass(kw_only=True)
class Told:
    """Not locked: the service changes it under its own lock."""

    histories: Histories = field(default_factory=Histories)
    events: set[str] = field(default_factory=set)
    """ids of all feedback"""
    items: dict[str, NewItem] = field(default_factory=dict)
    """the latest version of each that was reported"""
    salt: str = ""
    forgotten: set[str] = field(default_factory=set)
    """pseudonyms"""

    def read(self, entries: Iterable[Entry], form: IdForm) -> None:
        """Take entries in, oldest first.

        Args:
            entries: of the journal.
            form: how the head's fit writes ids.
        """
        for entry in entries:
            facts = dict(entry.facts)
            match facts["kind"]:
                case "feedback":
                    self.take(form.event(Feedback.from_json(facts)), entry.number)
                case "item":
                    keep_latest(self.items, [item_from_json(facts)])
                case "forget":
                    self.salt = facts["salt"]
                    self.forgotten.add(facts["who"])

    def take(self, event: Feedback, number: int) -> None:
        """Take in feedback that stands in the journal under a number.

        Args:
            event: its ids in the form of the fit.
            number: of the journal's entry.
        """
        self.events.add(event.event_id)
        self.histories.add(event, number)

    def opened(self, served: ServedHead) -> LiveHead:
        """The head without forgotten users and with reported items, before anything is counted on."""
        if self.forgotten:
            gone = {user for user in served.users.user_ids if pseudonym(user, self.salt) in self.forgotten}
            served = replace(served, users=served.users.without(gone))
        return LiveHead.of(served, list(self.items.values()))


def feedback_of(entries: Iterable[Entry], form: IdForm) -> Iterator[Feedback]:
    """What users did.

    Args:
        entries: of the journal.
        form: how the head's fit writes ids.

    Returns:
        Each event, in the order in which they came.
    """
    for entry in entries:
        if entry.facts["kind"] == "feedback":
            yield form.event(Feedback.from_json(dict(entry.facts)))


def count_since(live: LiveHead, entries: Iterable[Entry]) -> None:
    """Count what a journal has beyond the fit.

    Args:
        live: the head, which counts on; it says up to which entry it was fitted on.
        entries: of the journal.
    """
    later = (entry.facts for entry in entries if entry.number > live.served.reports_until)
    reports = (Feedback.from_json(dict(facts)) for facts in later if facts["kind"] == "feedback")
    live.count([live.form.event(report) for report in reports])


@dataclass(frozen=True, eq=False, kw_only=True)
class Replay:
    """What a service knew at a moment that had been started right before it."""

    moment: float
    """seconds since 1970"""
    stored: float
    """when its head was, in seconds since 1970"""
    told: Told
    live: LiveHead

    @classmethod
    def of(cls, served: ServedHead, entries: Sequence[Entry], moment: float, stored: float) -> "Replay":
        """What was known at a moment.

        Args:
            served: the head as it is stored.
            entries: all of the journal.
            moment: seconds since 1970.
            stored: when the head was stored, in seconds since 1970.

        Returns:
            The head and what the journal had told by then.

        Raises:
            InvalidRequest: if that is not known any more.
        """
        require_known(entries, moment, stored, served.reports_until)
        reports, form = Told(), IdForm.of(served)
        known = [
            entry for entry in entries if entry.number <= served.reports_until or entry.facts.get(CAME, moment) < moment
        ]
        reports.read(known, form)
        live = reports.opened(served)
        count_since(live, known)
        return cls(moment=moment, stored=stored, told=reports, live=live)


def require_known(entries: Sequence[Entry], moment: float, stored: float, fitted_until: int) -> None:
    """Check that lists can be told as of a moment: what was counted by then is not kept.

    A fit counts anew; a forgotten user's reports are gone; entries of before do not say when they came.

    Args:
        entries: all of the journal.
        moment: seconds since 1970.
        stored: when the head was stored, in seconds since 1970.
        fitted_until: number of the last entry that was fitted on.

    Raises:
        InvalidRequest: if the moment lies before the head was stored or a user was last forgotten, or an entry since
            the fit does not say when it came.
    """
    later = [entry.facts for entry in entries if entry.number > fitted_until and entry.facts["kind"] != _REMOVED]
    if any(CAME not in facts for facts in later):
        raise InvalidRequest("as_of needs a journal that says when each report came; this one does after the next fit")
    forgotten = [float(facts[CAME]) for facts in later if facts["kind"] == "forget"]
    earliest = max([stored, *forgotten])
    if moment < earliest:
        raise InvalidRequest(
            f"as_of must not lie before {earliest:.3f}, when the head that is served was stored or a user was last "
            f"forgotten; got {moment:.3f}"
        )
