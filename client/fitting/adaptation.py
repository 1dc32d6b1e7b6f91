"""A platform's head watched for drift, and refitted where it has drifted."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from client.adaptation.drift_watch import watch
from client.adaptation.observer import Met, Observer
from client.adaptation.satisfaction import met_shares
from client.adaptation.seen import Seen, read_seen
from client.adaptation.stages import Adaptation, Stage, after_judging, after_trial, after_watch
from client.data.feedback import MET
from client.fitting.fit_settings import FitSettings
from client.fitting.served_fit import fit_recommender
from client.recommender.served_head import CHALLENGER, RECORD, ServedHead, open_served
from client.serving.id_form import IdForm
from client.serving.journal_lines import Entry
from client.serving.live_head import lasting_name
from client.serving.reported_events import ReportedEvents
from client.serving.told import Told, feedback_of
from client.store.head_store import HeadStore
from shared.system.progress import working


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What a look has come to."""

    state: Adaptation
    observations: int
    """since the head began to serve"""

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self.state), "observations": self.observations}

    @property
    def words(self) -> str:
        """For people."""
        return f"{self.state.stage}: {self.state.why}; {self.observations:,} observations of head {self.state.head}"


def adapt_recommender(
    folder: Path,
    store: HeadStore,
    settings: FitSettings,
    reports: ReportedEvents,
    *,
    at_once: bool = False,
    now: float | None = None,
) -> Looked:
    """Look at what callers have reported since the last look, and go as far as that leads.

    Each step is stored before the next one: what is cut off goes on at the next look.

    Args:
        folder: the platform's.
        store: where the platform's heads lie.
        settings: of a fit.
        reports: all of the journal.
        at_once: whether a refitted head is served without a trial on live lists.
        now: seconds since 1970; None: now.

    Returns:
        How far it has come.

    Raises:
        InputError: if the platform's data are bad.
        StorageError: if there is no served head, or a record cannot be read or written.
    """
    moment = time.time() if now is None else now
    while True:
        before = read_seen(store)
        seen = _looked(store, before, reports, moment)
        seen.write(store)
        if seen.state.stage is Stage.REFITTING:
            seen = _refitted(folder, store, settings, reports, seen, at_once=at_once)
            seen.write(store)
        if before is not None and before.state.stage is seen.state.stage:
            return Looked(state=seen.state, observations=len(seen.observations.rows))


def _looked(store: HeadStore, before: Seen | None, reports: ReportedEvents, now: float) -> Seen:
    served = open_served(store)
    name = lasting_name(served)
    if before is None or name not in (before.state.head, before.state.refit):
        before = Seen(state=Adaptation(head=name), until=served.reports_until)
    state = before.state
    if state.stage is Stage.TRIED:
        state = after_trial(state, name, is_tried=store.stamp(CHALLENGER) is not None)
        is_new = state.stage is Stage.JUDGED
        return Seen(state=state, until=served.reports_until) if is_new else replace(before, state=state)
    if state.stage not in (Stage.WATCHING, Stage.JUDGED):
        return before
    seen = _observed(served, before, reports)
    if state.stage is Stage.JUDGED:
        return replace(seen, state=after_judging(state, seen.observations.gains))
    since = [entry for entry in reports.entries if entry.number > served.reports_until]
    times, shares = met_shares(feedback_of(since, IdForm.of(served)), now)
    statistics = {**seen.observations.statistics, "clicks": shares[:, None]}
    return replace(seen, state=after_watch(state, watch(statistics, name), seen.observations, times))


def _observed(served: ServedHead, before: Seen, reports: ReportedEvents) -> Seen:
    """With what has come since the last look."""
    with working("looking at reports"):
        form, told = IdForm.of(served), Told()
        told.read(reports.entries, form)
        observer = Observer(told.opened(served).recommender)
        since = [entry for entry in reports.entries if entry.number > served.reports_until]
        first_new = sum(entry.number <= before.until for entry in since)
        observer.pass_over(_met(since[:first_new], form))
        observations = before.observations.followed_by(observer.observe(_met(since[first_new:], form)))
    return replace(before, observations=observations, until=max(before.until, reports.until))


def _met(entries: Sequence[Entry], form: IdForm) -> list[Met]:
    events = (event for event in feedback_of(entries, form) if event.kind in MET)
    return [Met(user=event.user, item=event.item, time=event.time) for event in events]


def _refitted(
    folder: Path, store: HeadStore, settings: FitSettings, reports: ReportedEvents, seen: Seen, *, at_once: bool
) -> Seen:
    """The head fitted anew, with the encoder that is served."""
    record = RECORD if at_once else CHALLENGER
    fit_recommender(folder, None, store, replace(settings, took_part=False), reports, record=record)
    refit = lasting_name(open_served(store, record))
    state = replace(seen.state, stage=Stage.TRIED, refit=refit, why=f"{seen.state.why}; the refitted head is tried")
    return replace(seen, state=state)
