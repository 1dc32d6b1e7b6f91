"""A shop whose users' tastes shift while it serves, week by week, with and without adaptation.

Both heads begin as one and get the same events. The adapted one is looked at once a week, as by ``graft-client adapt
--at-once``, through the journal that a service writes.
"""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from client.adaptation.observer import Met, Observer
from client.adaptation.stages import Stage
from client.data.feedback import FeedbackKind
from client.fitting.adaptation import Looked, adapt_recommender
from client.recommender.recommender import Recommender
from client.recommender.served_head import ServedHead, open_served
from client.serving.journal import JOURNAL, FileJournal
from client.serving.live_head import lasting_name
from client.serving.reported_events import ReportedEvents
from client.serving.requests import CAME, Feedback
from client.store.head_store import HeadStore
from simulations.run.drift_world import END, FITTED, SETTINGS, SHIFT, DriftWorld, week


@dataclass(frozen=True, kw_only=True)
class Week:
    """What a week was like."""

    number: int
    events: int
    frozen: float
    """mean NDCG@10 of the lists of the head that stays as it is"""
    adapted: float
    """of the head that is looked after"""
    stage: str
    why: str


@dataclass(frozen=True, kw_only=True)
class DriftStory:
    """All weeks from the fit to the end."""

    seed: int
    weeks: tuple[Week, ...]

    def _mean(self, arm: str, first: int, last: int) -> float:
        told = [each for each in self.weeks if first <= each.number < last]
        return float(np.average([getattr(each, arm) for each in told], weights=[each.events for each in told]))

    def _first(self, stage: Stage) -> int | None:
        return next((each.number for each in self.weeks if each.number >= SHIFT and each.stage == stage), None)

    def to_json(self) -> dict[str, Any]:
        """As plain values; the weeks after the refit tell what was recovered."""
        noticed = next((each.number for each in self.weeks if each.why.startswith("drift")), None)
        refitted = self._first(Stage.JUDGED)
        document: dict[str, Any] = {
            "scenario": "drift",
            "seed": self.seed,
            "shift": SHIFT,
            "noticed": noticed,
            "refitted": refitted,
            "weeks": [vars(each) for each in self.weeks],
            "before": self._mean("frozen", FITTED, SHIFT),
        }
        if refitted is not None and refitted + 1 < END:
            frozen, adapted = (self._mean(arm, refitted + 1, END) for arm in ("frozen", "adapted"))
            loss = document["before"] - frozen
            document |= {"frozen": frozen, "adapted": adapted}
            document["recovered"] = (adapted - frozen) / loss if loss > 0 else None
        return document

    @property
    def words(self) -> str:
        """For people."""
        told = self.to_json()
        if told["noticed"] is None:
            return "no drift was noticed"
        when = f"tastes shift in week {SHIFT}; drift is noticed in week {told['noticed']}"
        if "adapted" not in told:
            return f"{when}; no refitted head served before the end"
        figures = f"NDCG@10 {told['before']:.3f} before, {told['frozen']:.3f} as it was, {told['adapted']:.3f} adapted"
        return f"{when}, a refitted head serves from week {told['refitted'] + 1} on; {figures}"


class _Arm:
    """A head that serves the shop's users."""

    def __init__(self, store: HeadStore) -> None:
        self._store = store
        self._name, self._observer = "", None  # type: tuple[str, Observer | None]

    def gains(self, events: list[Met], before: list[Met]) -> float:
        """Mean NDCG@10 of lists for some events, after those ``before``, since the head was fitted first."""
        served: ServedHead = open_served(self._store)
        if self._observer is None or lasting_name(served) != self._name:
            self._name, self._observer = lasting_name(served), Observer(Recommender.of(served))
            self._observer.pass_over(before[served.reports_until :])
        return float(self._observer.observe(events).gains.mean())


def drift_story(seed: int, say: Callable[[str], None]) -> DriftStory:
    """Tell the story.

    Args:
        seed: of the shop and its shift.
        say: hears how far it is.

    Returns:
        What each week was like.
    """
    world, weeks, reported = DriftWorld.draw(seed), list[Week](), list[Met]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world.fitted(folder, FITTED)
        shutil.copytree(folder / "heads", folder / "frozen")
        store, journal = HeadStore(folder / "heads"), FileJournal(folder / "heads" / JOURNAL)
        adapted, frozen = _Arm(store), _Arm(HeadStore(folder / "frozen"))
        for number in range(FITTED, END):
            events = world.between(number, number + 1)
            gains = {arm: each.gains(events, reported) for arm, each in (("frozen", frozen), ("adapted", adapted))}
            _report(journal, events, len(reported))
            reported += events
            looked = _looked(folder, store, journal, number)
            state = looked.state
            weeks.append(Week(number=number, events=len(events), **gains, stage=state.stage.value, why=state.why))
            say(f"week {number}: {looked.words}")
        journal.close()
    return DriftStory(seed=seed, weeks=tuple(weeks))


def _looked(folder: Path, store: HeadStore, journal: FileJournal, number: int) -> Looked:
    reports = ReportedEvents(entries=list(journal.entries()))
    return adapt_recommender(folder / "shop", store, SETTINGS, reports, at_once=True, now=week(number + 1))


def _report(journal: FileJournal, events: list[Met], known: int) -> None:
    """As a service writes what callers report."""
    journal.append(
        [
            {
                **Feedback(
                    event_id=f"e{known + place}",
                    user=event.user,
                    item=event.item,
                    kind=FeedbackKind.CLICKED,
                    time=event.time,
                ).to_json(),
                CAME: event.time,
            }
            for place, event in enumerate(events)
        ]
    )
