"""Follows a head through the events of its users, and tells of each how well its list would have fitted.

An event is looked at right before it is counted, so that nothing is told of an item by its own event. A user gives one
observation a day at most: what they do within a visit hangs together, and the watch counts on events that do not. What
a list could not hold says nothing of it and is left out: an item that the catalogue lacks, or that the user has met
where users meet no item again. L items of a history, D features.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from client.adaptation.observations import DIRECTIONS, NOTHING, Floats, Observations
from client.evaluation.ranking import K
from client.recommender.recommender import Asked, ListQuery, Recommender

_SAMPLE = 2_000
"""items by which directions are told"""
_DAY = 86_400.0


@dataclass(frozen=True, kw_only=True)
class Met:
    """A user met an item: clicked, liked or purchased it."""

    user: str
    item: str
    time: float
    """seconds since 1970"""


@dataclass(eq=False)
class Observer:
    """Follows a head through its events; what it has seen is counted and in histories, as where it serves."""

    recommender: Recommender
    _added: dict[str, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))
    _seen: set[tuple[str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        rows = np.unique(np.linspace(0, len(self.recommender.items.item_ids) - 1, _SAMPLE).astype(np.int64))
        vectors = np.asarray(self.recommender.items.catalogue.features[rows], np.float64)
        _, _, directions = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
        self._directions = directions[:DIRECTIONS].T

    def pass_over(self, events: Iterable[Met]) -> None:
        """Take in events that were observed before."""
        for event in events:
            self._is_first(event)
            self._take(event)

    def observe(self, events: Iterable[Met]) -> Observations:
        """What events say.

        Args:
            events: in the order in which they came.

        Returns:
            An observation for each that says something.
        """
        observed = []
        for event in events:
            if self._is_first(event) and (row := self._observation(event)) is not None:
                observed.append(row)
            self._take(event)
        return Observations(rows=np.array(observed).reshape(-1, NOTHING.rows.shape[1]))

    def _is_first(self, event: Met) -> bool:
        """Of its user on its day."""
        visit = (event.user, int(event.time // _DAY))
        is_first = visit not in self._seen
        self._seen.add(visit)
        return is_first

    def _take(self, event: Met) -> None:
        row = self.recommender.row_of_item.get(event.item)
        if row is not None:
            self._added[event.user].append((row, event.time))
            self.recommender.count(np.array([row], np.int32), np.array([event.time]))

    @torch.no_grad()
    def _observation(self, event: Met) -> list[float] | None:
        row = self.recommender.row_of_item.get(event.item)
        if row is None:
            return None
        history, times = self._history(event.user)
        query = ListQuery(k=K, moment=event.time)
        items, scores = self.recommender.scored(Asked(history=history, query=query, times=times))
        place = torch.nonzero(items == row)
        if self.recommender.whole.repeats is False and row in history:
            return None
        logs = torch.log_softmax(scores.double(), 0)
        entropy = -float((logs.exp() * logs).sum())
        surprise = -float(logs[place[0, 0]] if len(place) else logs.min())
        rank = len(scores) if not len(place) else 1 + int((scores > scores[place[0, 0]]).sum())
        gain = 1 / np.log2(1 + rank) if rank <= K else 0.0
        vector = self._vector(row)
        return [event.time, gain, surprise - entropy, self._cosine(vector, history), *vector @ self._directions]

    def _history(self, user: str) -> tuple[NDArray[np.int32], Floats]:
        rows, times = np.zeros(0, np.int32), np.zeros(0)
        if user in self.recommender.row_of_user:
            rows, times = self.recommender.history_of(user), self.recommender.times_of(user)
        added = self._added.get(user, ())
        since = np.array([row for row, _ in added], np.int32), np.array([time for _, time in added], np.float64)
        return np.concatenate([rows, since[0]]), np.concatenate([times, since[1]])

    def _vector(self, row: int) -> Floats:
        """[D]."""
        vector: Floats = np.asarray(self.recommender.items.catalogue.features[[row]], np.float64)[0]
        return vector

    def _cosine(self, vector: Floats, history: NDArray[np.int32]) -> float:
        """Of an item with the mean of the last items of a history; 0 where there is none."""
        if not len(history):
            return 0.0
        mean = np.asarray(self.recommender.items.catalogue.features[history[-K:]], np.float64).mean(axis=0)
        lengths = float(np.linalg.norm(mean) * np.linalg.norm(vector))
        return float(vector @ mean) / lengths if lengths else 0.0
