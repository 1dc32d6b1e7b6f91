"""What callers ask of a platform, whatever the protocol: lists, feedback, new items, users to forget, a new head."""

import math
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from client.adaptation.intervals import Figure
from client.adaptation.team_draft import CHALLENGER as CHALLENGER_SIDE
from client.data.ids import whole_number
from client.recommender.catalogue_update import NewItem, fitting, keep_latest
from client.recommender.recommender import WEIGHED
from client.recommender.served_head import CHALLENGER, RECORD, forget_users, open_served, promote_challenger
from client.serving.admission import UNHURRIED, Turn, Unhurried
from client.serving.duel import Duel
from client.serving.id_form import IdForm
from client.serving.journal import Journal
from client.serving.journal_lines import Entry
from client.serving.live_head import AskedList, LiveHead
from client.serving.recent_reports import RecentReports, recent_satisfaction
from client.serving.requests import (
    ITEMS_AT_ONCE,
    REPORTS_AT_ONCE,
    Counts,
    Feedback,
    ListAnswer,
    ListRequest,
    check_count,
    check_event,
    check_id,
    check_item,
    item_to_json,
    pseudonym,
)
from client.serving.told import Replay, Told, count_since, feedback_of, stamped
from client.store.head_store import HeadStore
from shared.errors import InvalidRequest, JournalError, NothingToRecommend

TOGETHER = 8
"""lists of a batch whose products with the catalogue are worked out at once"""


class RecommendService:
    """Any number of threads may call it; lists wait for nobody, all that changes something comes one by one.

    What changes the catalogue takes long, and holds up no report.
    """

    def __init__(self, store: HeadStore, journal: Journal, clock: Callable[[], float] = time.time) -> None:
        """Open what the store serves and what the journal has beside it; raises HeadStoreError or JournalError."""
        self._store, self._journal = store, journal
        self._catalogue, self._change = threading.Lock(), threading.Lock()
        """what serves and the stored record; the journal and what was taken from it. In this order where both"""
        self._past = threading.Lock()
        """the last replay, which is made by one at a time"""
        self._replay: Replay | None = None
        self._told, self._clock = Told(salt=secrets.token_hex(16)), clock
        self._recent = RecentReports()
        served = open_served(store)
        self._told.read(journal.entries(), IdForm.of(served))
        self._recent.add(feedback_of(journal.entries(), IdForm.of(served)))
        self._live = self._told.opened(served)
        self.since = clock()
        """since when this head answers, in seconds since 1970"""
        count_since(self._live, journal.entries())
        self._beside: list[Feedback] | None = None
        """reports since another head began to count the journal"""
        self._duel: Duel | None = None
        """with the challenger that ``challenge`` took up; None while the head serves alone"""

    @property
    def head(self) -> str:
        """The name of the head that answers now."""
        return self._live.name

    def scorings(self, requests: Sequence[ListRequest]) -> int:
        """How often the whole catalogue is scored for some lists, at most."""
        shared = math.ceil(len(requests) / TOGETHER) if len(requests) > 1 else 0
        heads = 1 if self._duel is None else 2
        return shared + heads * sum(1 + (WEIGHED if request.reasons else 0) for request in requests)

    def recommend(self, request: ListRequest, turn: Turn | Unhurried = UNHURRIED) -> ListAnswer:
        """A list.

        Args:
            request: what is wanted.
            turn: says when the work is of no use any more; by default there is all the time.

        Returns:
            The list, which is not empty.

        Raises:
            NothingToRecommend: if the request allows no item.
            InvalidRequest: if it shall be as of a moment of which that is not known.
            RequestError: if the turn says that it is of no use to go on.
        """
        if request.as_of is not None:
            replay = self._replayed(request.as_of, turn)
            return replay.live.answer(_asked(replay.live, replay.told, request, turn))
        live, duel = self._live, self._duel
        answer = live.answer(_asked(live, self._told, request, turn))
        return answer if duel is None or not duel.judges(request) else self._drafted(answer, duel, request, turn)

    def _drafted(self, answer: ListAnswer, duel: Duel, request: ListRequest, turn: Turn | Unhurried) -> ListAnswer:
        """The served head's list with what a challenger gives; as it is where that cannot be written down."""
        try:
            challenger = duel.live.answer(_asked(duel.live, self._told, request, turn))
            drafted, picked = duel.drafted(answer, challenger, request.k)
            with turn.holding(self._change):
                entry = stamped(duel.listed(self._live.form.request(request).user, picked), self._clock())
                self._journal.append([entry])
                duel.give(entry)
        except (NothingToRecommend, JournalError):
            return answer
        return drafted

    def recommend_batch(
        self, requests: Sequence[ListRequest], turn: Turn | Unhurried = UNHURRIED
    ) -> list[ListAnswer | NothingToRecommend]:
        """Lists; those of now that come one after the other share what can be worked out for several at once.

        Args:
            requests: what is wanted.
            turn: says when the work is of no use any more; by default there is all the time.

        Returns:
            For each its list, or why there is none.

        Raises:
            InvalidRequest: if a list shall be as of a moment of which that is not known.
            RequestError: if the turn says that it is of no use to go on.
        """
        live, answers = self._live, list[ListAnswer | NothingToRecommend]()
        for start in range(0, len(requests), TOGETHER):
            block = requests[start : start + TOGETHER]
            if self._duel is not None or any(request.as_of is not None for request in block):
                answers += [_or_refusal(partial(self.recommend, request, turn)) for request in block]
                continue
            asked = [_asked(live, self._told, request, turn) for request in block]
            with turn.slice():
                begun = live.begin(asked)
            answers += [_or_refusal(partial(live.answer, *each)) for each in zip(asked, begun, strict=True)]
        return answers

    def report(self, events: Sequence[Feedback], turn: Turn | Unhurried = UNHURRIED) -> Counts:
        """Take feedback in; on return it is durable, repeats too.

        Args:
            events: 1 to ``REPORTS_AT_ONCE`` of them.
            turn: says when the work is of no use any more; by default there is all the time.

        Returns:
            How many were new, how many known already, and which concern an item that is not in the catalogue.

        Raises:
            InvalidRequest: if there are too few or too many, or one makes no sense.
            RequestError: if the turn says that it is of no use to go on.
            JournalError: if they cannot be written; then they may be sent again.
        """
        check_count("events", len(events), REPORTS_AT_ONCE, 1)
        for event in events:
            check_event(event)
        events = [self._live.form.event(event) for event in events]
        with turn.holding(self._change):
            turn.check()
            now = self._clock()
            fresh = {event.event_id: event for event in reversed(events) if event.event_id not in self._told.events}
            entries = [stamped(event.to_json(), now) for event in fresh.values()]
            before = self._journal.append(entries)
            taken = [Feedback.from_json(facts) for facts in entries]
            for number, event in enumerate(taken, before + 1):
                self._told.take(event, number)
            self._live.count(taken)
            self._recent.add(taken)
            if self._duel is not None:
                self._duel.live.count(taken)
                for event in taken:
                    self._duel.take(event, now)
            if self._beside is not None:
                self._beside += taken
        self._journal.sync()
        known = self._live.recommender.row_of_item
        unknown = tuple(dict.fromkeys(event.event_id for event in events if event.item not in known))
        repeated = len(events) - len(fresh)
        return Counts(accepted=len(fresh), repeated=repeated, head=self.head, unknown_events=unknown)

    def upsert(self, items: Sequence[NewItem], turn: Turn | Unhurried = UNHURRIED) -> Counts:
        """Add items, or change those that are there; on return they are durable and in the lists.

        Args:
            items: 1 to ``ITEMS_AT_ONCE`` of them.
            turn: says when the work is of no use any more; by default there is all the time.

        Returns:
            How many were new, and how many there already.

        Raises:
            InvalidRequest: if there are too few or too many, or one cannot be read.
            RequestError: if the turn says that it is of no use to go on.
            JournalError: if they cannot be written.
        """
        check_count("items", len(items), ITEMS_AT_ONCE, 1)
        for item in items:
            check_item(item)
        with turn.holding(self._catalogue):
            known = self._live.recommender.row_of_item
            items = [self._live.form.new_item(item) for item in items]
            new = {item.item_id for item in items} - known.keys()
            grown, duel = self._live.with_items(items), self._duel
            challenger = None if duel is None else duel.live.with_items(fitting(duel.live.served, items))
            turn.check()
            with self._change:
                self._journal.append([stamped(item_to_json(item), self._clock()) for item in items])
                self._journal.sync()
                keep_latest(self._told.items, items)
                grown.carry_on(self._live)
                self._live = grown
                if duel is not None and challenger is not None:
                    challenger.carry_on(duel.live)
                    duel.live = challenger
        return Counts(accepted=len(new), repeated=len(items) - len(new), head=self.head)

    def forget(self, user: str, turn: Turn | Unhurried = UNHURRIED) -> Counts:
        """Remove a user's events and id from what is kept here: the journal and the record.

        What scorers counted of them, and what the encoder learnt, stays until the next fit, which leaves them out.

        Args:
            user: their id; ``7.0`` stands for ``7``, too.
            turn: says when the work is of no use any more; by default there is all the time.

        Returns:
            How many entries of the journal and events of the record were removed.

        Raises:
            InvalidRequest: if the id is none.
            RequestError: if the turn says that it is of no use to go on.
            JournalError: if the journal cannot be written.
            StorageError: if the record cannot be read or written.
        """
        check_id("user", user)
        forms = {user, whole_number(user)}  # to a fit on whole numbers `7.0` is 7
        with turn.holding(self._catalogue):
            turn.check()
            with self._change:
                names = {pseudonym(form, self._told.salt) for form in forms}
                now, salt = self._clock(), self._told.salt
                self._journal.append([stamped({"kind": "forget", "who": name, "salt": salt}, now) for name in names])
                self._journal.sync()
                removed = self._journal.remove(lambda facts: whole_number(facts.get("user", "")) in forms)
                self._told.forgotten |= names
                self._recent.forget(forms)
                for form in forms:
                    self._told.histories.forget(form)
                    if self._duel is not None:
                        self._duel.forget(form)
            removed += forget_users(self._store, forms)
            if self._store.stamp(CHALLENGER) is not None:
                forget_users(self._store, forms, CHALLENGER)
        with self._past:
            self._replay = None
        return Counts(accepted=removed, head=self.head)

    def check(self) -> None:
        """Raises JournalError where feedback cannot be taken in."""
        self._journal.check()

    def swap(self) -> str:
        """Serve what the store holds now; requests under way end with the head they began with. Returns its name.

        Raises HeadStoreError or FeatureSpaceMismatch, and then goes on as before.
        """
        with self._catalogue:
            opened = self._told.opened(open_served(self._store))

            def take(_entries: Sequence[Entry], _beside: Sequence[Feedback]) -> None:
                self._live, self._replay, self._duel, self.since = opened, None, None, self._clock()

            self._counted(opened, take)
            return self.head

    def _counted(self, opened: LiveHead, take: Callable[[Sequence[Entry], Sequence[Feedback]], None]) -> None:
        """Count on another head what was reported, and take it up: with the journal, and with what came meanwhile."""
        with self._change:
            entries, self._beside = self._journal.entries(), []
        try:
            told = list(entries)
            count_since(opened, told)
            with self._change:
                beside = [opened.form.event(event) for event in self._beside]
                opened.count(beside)
                take(told, beside)
        finally:
            with self._change:
                self._beside = None

    def challenge(self) -> str:
        """Try what the store holds as a challenger beside the head that serves; what it lacks is tried no more.

        Returns:
            The challenger's name; empty where there is none.

        Raises:
            StorageError: if the record cannot be read; then the head serves alone.
        """
        with self._catalogue:
            self._duel = None
            if self._store.stamp(CHALLENGER) is None:
                return ""
            opened = self._told.opened(open_served(self._store, CHALLENGER))
            if opened.name == self.head:  # it was promoted, and the service ended before the record was removed
                self._store.delete(CHALLENGER)
                return ""

            def take(entries: Sequence[Entry], beside: Sequence[Feedback]) -> None:
                duel, now = Duel(champion=self._live.lasting_name, live=opened), self._clock()
                duel.read(entries)
                for event in beside:
                    duel.take(event, now)
                self._duel = duel

            self._counted(opened, take)
            return opened.name

    def satisfaction(self) -> dict[tuple[str, str], Figure]:
        """What users made of their lists in the last four weeks, by measure and slice."""
        with self._change:
            recent = self._recent.copy()
        users = self._live.recommender.row_of_user
        return recent_satisfaction(recent, lambda user: user in users, self._clock())

    @property
    def points(self) -> dict[str, int]:
        """Of the head that serves and of its challenger, by side; empty where there is none."""
        return {} if self._duel is None else dict(self._duel.points)

    def settle(self) -> str:
        """End a duel that is won: the challenger is served from the next look on, or it is removed.

        Returns:
            The side that won; empty where there is no duel, or neither has won.

        Raises:
            StorageError: if the records cannot be read or written.
        """
        duel = self._duel
        winner = "" if duel is None else duel.winner
        if winner:
            with self._catalogue:
                if winner == CHALLENGER_SIDE:
                    promote_challenger(self._store)
                else:
                    self._store.delete(CHALLENGER)
                self._duel = None
        return winner

    def _replayed(self, moment: float, turn: Turn | Unhurried) -> Replay:
        """What was known at a moment; the last one is kept."""
        if moment >= self._clock():
            raise InvalidRequest("as_of must lie in the past")
        with turn.holding(self._past):
            turn.check()
            replay = self._replay
            if replay is not None and (replay.moment, replay.stored) == (moment, stored_at(self._store)):
                return replay
            with self._change:
                pass  # whatever came before now is in the journal
            served, entries = open_served(self._store), list(self._journal.entries())
            self._replay = Replay.of(served, entries, moment, stored_at(self._store))
            return self._replay


def stored_at(store: HeadStore) -> float:
    """When the record was written, in seconds since 1970; for ever from now where there is none."""
    stamp = store.stamp(RECORD)
    return math.inf if stamp is None else stamp[1] / 1e9


def _or_refusal(answer: Callable[[], ListAnswer]) -> ListAnswer | NothingToRecommend:
    try:
        return answer()
    except NothingToRecommend as refusal:
        return refusal


def _asked(live: LiveHead, reports: Told, request: ListRequest, turn: Turn | Unhurried) -> AskedList:
    request = live.form.request(request)
    past = reports.histories.of(
        request.user,
        request.session,
        live.recommender,
        fitted_until=live.served.reports_until,
        fitted_items=live.fitted_items,
        now=request.as_of,
    )
    return live.asked(request, past, tuple(reports.histories.disliked(request.user)), turn.slice)
