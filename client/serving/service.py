"""What callers ask of a platform, whatever the protocol: lists, feedback, new items, users to forget, a new head."""

import secrets
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace

from client.data.ids import whole_number
from client.recommender.growth import NewItem, keep_latest
from client.recommender.recommender import WEIGHED
from client.recommender.served_head import ServedHead, read_served
from client.serving.admission import UNHURRIED, Turn, Unhurried
from client.serving.histories import Histories
from client.serving.id_form import IdForm
from client.serving.journal import Journal
from client.serving.journal_lines import Entry
from client.serving.live_head import LiveHead
from client.serving.requests import (
    ITEMS_AT_ONCE,
    MET,
    REPORTS_AT_ONCE,
    Counts,
    Feedback,
    FeedbackKind,
    ListAnswer,
    ListRequest,
    check_count,
    check_event,
    check_id,
    check_item,
    item_from_json,
    item_to_json,
    pseudonym,
)
from client.store.head_store import HeadStore


class RecommendService:
    """Any number of threads may call it; lists wait for nobody, all that changes something comes one by one.

    What changes the catalogue takes long, and holds up no report.
    """

    def __init__(self, store: HeadStore, journal: Journal) -> None:
        """Open what the store serves and what the journal has beside it; raises HeadStoreError or JournalError."""
        self._store, self._journal = store, journal
        self._catalogue, self._change = threading.Lock(), threading.Lock()
        """what serves and the stored record; the journal and what was taken from it. In this order where both"""
        self._histories = Histories()
        self._events: set[str] = set()
        self._items: dict[str, NewItem] = {}
        self._salt, self._forgotten = secrets.token_hex(16), set[str]()
        served = read_served(store)
        form = IdForm.of(served)
        for entry in journal.entries():
            self._replay(entry, form)
        self._live = self._opened(served)
        self._count_since(self._live)

    @property
    def head(self) -> str:
        """The name of the head that answers now."""
        return self._live.name

    def scorings(self, request: ListRequest) -> int:
        """How often the whole catalogue is scored for a list, at most."""
        return 1 + (WEIGHED if request.reasons else 0)

    def recommend(self, request: ListRequest, turn: Turn | Unhurried = UNHURRIED) -> ListAnswer:
        """A list; raises NothingToRecommend where the request allows no item."""
        live = self._live
        request = live.form.request(request)
        past = self._histories.of(
            request.user,
            request.session,
            live.recommender,
            fitted_until=live.served.reports_until,
            fitted_items=live.fitted_items,
        )
        return live.answer(request, past, tuple(self._histories.disliked(request.user)), turn.slice)

    def report(self, events: Sequence[Feedback], turn: Turn | Unhurried = UNHURRIED) -> Counts:
        """Take feedback in; on return it is durable, repeats too. Raises JournalError, then it may be sent again."""
        check_count("events", len(events), REPORTS_AT_ONCE, 1)
        for one in events:
            check_event(one)
        events = [self._live.form.event(one) for one in events]
        with turn.holding(self._change):
            turn.check()
            fresh = {one.event_id: one for one in reversed(events) if one.event_id not in self._events}
            before = self._journal.append([one.to_json() for one in fresh.values()])
            for number, one in enumerate(fresh.values(), before + 1):
                self._take(one, number)
            self._live.count((one.item, one.time) for one in fresh.values() if one.kind in MET)
            self._live.count(_shown(fresh.values()), shown=True)
        self._journal.sync()
        known = self._live.recommender.row_of_item
        unknown = tuple(dict.fromkeys(one.event_id for one in events if one.item not in known))
        repeated = len(events) - len(fresh)
        return Counts(accepted=len(fresh), repeated=repeated, head=self.head, unknown_events=unknown)

    def upsert(self, items: Sequence[NewItem], turn: Turn | Unhurried = UNHURRIED) -> Counts:
        """Add items, or change those that are there; on return they are durable and in the lists."""
        check_count("items", len(items), ITEMS_AT_ONCE, 1)
        for item in items:
            check_item(item)
        with turn.holding(self._catalogue):
            known = self._live.recommender.row_of_item
            items = [self._live.form.new_item(item) for item in items]
            new = {item.item_id for item in items} - known.keys()
            grown = self._live.with_items(items)
            turn.check()
            with self._change:
                self._journal.append([item_to_json(item) for item in items])
                self._journal.sync()
                keep_latest(self._items, items)
                since = self._histories.since(grown.served.reports_until)
                grown.count((item, at) for item, at in since if item in new)
                self._live = grown
        return Counts(accepted=len(new), repeated=len(items) - len(new), head=self.head)

    def forget(self, user: str, turn: Turn | Unhurried = UNHURRIED) -> Counts:
        """Remove a user's events and id from what is kept here: the journal and the record.

        What scorers counted of them, and what the encoder learnt, stays until the next fit, which leaves them out.
        """
        check_id("user", user)
        forms = {user, whole_number(user)}  # to a fit on whole numbers `7.0` is 7
        with turn.holding(self._catalogue):
            turn.check()
            with self._change:
                names = {pseudonym(form, self._salt) for form in forms}
                self._journal.append([{"kind": "forget", "who": name, "salt": self._salt} for name in names])
                self._journal.sync()
                removed = self._journal.remove(lambda facts: whole_number(facts.get("user", "")) in forms)
                self._forgotten |= names
                for form in forms:
                    self._histories.forget(form)
            stored = read_served(self._store)
            kept = replace(stored, users=stored.users.without(forms))
            removed += len(stored.users.sequences.items) - len(kept.users.sequences.items)
            if kept.users is not stored.users:
                kept.write(self._store)
        return Counts(accepted=removed, head=self.head)

    def check(self) -> None:
        """Raises JournalError where feedback cannot be taken in."""
        self._journal.check()

    def swap(self) -> str:
        """Serve what the store holds now; requests under way end with the head they began with. Returns its name.

        Raises HeadStoreError or FeatureSpaceMismatch, and then goes on as before.
        """
        with self._catalogue:
            opened = self._opened(read_served(self._store))
            with self._change:
                self._count_since(opened)
                self._live = opened
            return self.head

    def _opened(self, served: ServedHead) -> LiveHead:
        if self._forgotten:
            gone = {user for user in served.users.user_ids if pseudonym(user, self._salt) in self._forgotten}
            served = replace(served, users=served.users.without(gone))
        return LiveHead.of(served, list(self._items.values()))

    def _count_since(self, live: LiveHead) -> None:
        """What the journal has beyond the fit."""
        until = live.served.reports_until
        live.count(self._histories.since(until))
        later = (entry.facts for entry in self._journal.entries() if entry.number > until)
        reports = (Feedback.from_json(dict(facts)) for facts in later if facts["kind"] == "feedback")
        live.count(_shown(live.form.event(one) for one in reports), shown=True)

    def _replay(self, entry: Entry, form: IdForm) -> None:
        facts = dict(entry.facts)
        match facts["kind"]:
            case "feedback":
                self._take(form.event(Feedback.from_json(facts)), entry.number)
            case "item":
                keep_latest(self._items, [item_from_json(facts)])
            case "forget":
                self._salt = facts["salt"]
                self._forgotten.add(facts["who"])

    def _take(self, one: Feedback, number: int) -> None:
        self._events.add(one.event_id)
        self._histories.add(one, number)


def _shown(events: Iterable[Feedback]) -> list[tuple[str, float]]:
    """Items that were shown, with the times in seconds since 1970."""
    return [(one.item, one.time) for one in events if one.kind is FeedbackKind.SHOWN]
