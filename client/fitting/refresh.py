"""What is served, refreshed: counts follow the events that have come, weights may move, nothing is trained.

n items: rows of the served record, behind which new items stand.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from client.data.event_log import EventLog
from client.data.sequences import Sequences
from client.ensemble.reweighing import Reweighed, reweighed
from client.fitting.fit_settings import FitSettings
from client.fitting.news import News, newest_events, read_news
from client.fitting.refresh_option import Since
from client.fitting.served_fit import Reports
from client.recommender.served_head import ServedHead, open_served, read_served, served_ensembles
from client.scorers.age import seen_again
from client.scorers.cooccurrence import Matrix
from client.scorers.fading import recounted
from client.scorers.recent import NAME as RECENT
from client.scorers.scorer import FitData
from client.scorers.shown import NAME as SHOWN
from client.scorers.table import COMPLETING, SCORERS
from client.store.head_store import HeadStore
from shared.system.progress import working


@dataclass(frozen=True, eq=False, kw_only=True)
class Refreshed:
    """What a refresh has taken in."""

    since: float
    """seconds since 1970"""
    new_events: int
    """at that moment or later"""
    late_events: int
    """before it, which what was served did not know; they are counted too"""
    changed_users: int
    new_items: int
    served: str
    """the method that the gate chose at the last fit, and that is served on"""
    weights: Reweighed

    @property
    def reason(self) -> str:
        """In words."""
        late = f", and {self.late_events:,} late ones before it" if self.late_events else ""
        taken_in = f"{self.new_events:,} events since the moment{late} of {self.changed_users:,} users are counted"
        return f"{taken_in}; {self.new_items:,} new items; {self._of_weights}"

    @property
    def _of_weights(self) -> str:
        if self.weights.ndcg is None:
            return f"weights stay, since {self.weights.users:,} users are too few to judge others"
        before, after = self.weights.ndcg
        figures = f"NDCG@10 {after:.4f} for {before:.4f} on newest events of {self.weights.users // 2:,} users"
        return f"weights moved: {figures}" if self.weights.moved else f"weights stay: moved ones have {figures}"

    def to_json(self) -> dict[str, Any]:
        """As plain numbers and words."""
        before, after = self.weights.ndcg or (None, None)
        return {
            "since": self.since,
            "served": self.served,
            "reason": self.reason,
            "new_events": self.new_events,
            "late_events": self.late_events,
            "changed_users": self.changed_users,
            "new_items": self.new_items,
            "weights": {
                "moved": self.weights.moved,
                "users": self.weights.users,
                "ndcg_before": before,
                "ndcg_moved": after,
            },
        }


def refresh_recommender(
    folder: Path, store: HeadStore, settings: FitSettings, since: Since, reports: Reports | None = None
) -> Refreshed:
    """Refresh the served record by what its folder holds now, and store it.

    Args:
        folder: the platform's.
        store: where the platform's heads lie.
        settings: of the fit that made the record.
        since: from which moment on events are new.
        reports: what callers reported while the platform served; None adds nothing to the folder.

    Returns:
        What was taken in.

    Raises:
        InputError: if the input is bad, or the record cannot be refreshed by it.
        StorageError: if there is no record, or it cannot be written; what was served before is still served.
    """
    with working("preparing"):
        before = read_served(store)
        news = read_news(before, folder, settings, reports)
        moment = _moment(before, since)
    with working("weighing scorers"):
        weighed = served_ensembles(before).whole
        newest = newest_events(news.change, moment, len(before.items.item_ids), settings.seed)
        weights = reweighed(weighed.ensemble, weighed.weights, newest, settings.seed)
        del weighed
    with working("counting"):
        head = replace(news.grown.head, weights=weights.weights)
        now = replace(
            news.grown,
            head=head,
            users=news.users,
            statistics=counted_after(news),
            searches=open_served(store).searches,
        )
    known_before, known_now = (_by_moment(served.users.sequences, moment) for served in (before, now))
    told = Refreshed(
        since=moment,
        new_events=max(0, known_now[1] - known_before[1]),
        late_events=max(0, known_now[0] - known_before[0]),
        changed_users=len(news.change.common),
        new_items=len(now.items.item_ids) - len(before.items.item_ids),
        served=str(before.verdict["served"]),
        weights=weights,
    )
    del before, news  # a record is written from a copy of all that it holds
    with working("storing"):
        now.write(store)
    return told


def counted_after(news: News) -> dict[str, Matrix]:
    """The statistics of the record's scorers, of all that is counted now.

    Half-lives, and the rates of items' ages, stay those of the last fit, by which columns are weighed.

    Args:
        news: what has changed.

    Returns:
        [n] or [n, n] by name.
    """
    grown, known, log = news.grown, news.grown.statistics, EventLog.of(news.users.sequences)
    n_items = len(grown.items.item_ids)
    met = {
        **recounted(known, RECENT, log, n_items),
        **recounted(known, SHOWN, news.shown, n_items),
        **seen_again(known, log, n_items),
    }
    data = FitData(
        sequences=news.counted,
        features=grown.items.catalogue.features,
        neighbours=grown.items.catalogue.neighbours,
        ordered=True,
        statistics=met,
        repeats=grown.repeats,
        within=news.within,
        published=news.published,
        change=news.change,
    )
    for name in grown.scorers:
        {**SCORERS, **COMPLETING}[name][0](data)
    return data.statistics


def _moment(before: ServedHead, since: Since) -> float:
    if not isinstance(since, str):
        return since
    clock = before.users.sequences.clock
    return float(clock[clock <= time.time()].max(initial=0.0))  # whose clock is ahead does not say what is last


def _by_moment(sequences: Sequences, moment: float) -> tuple[int, int]:
    """How many events lie before a moment, and how many do not."""
    later = int((sequences.clock >= moment).sum())
    return len(sequences.items) - later, later
