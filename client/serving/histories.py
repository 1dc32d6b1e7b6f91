"""Users' histories while a platform serves: those of the last fit, and what feedback has added since."""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from client.data.feedback import MET, FeedbackKind
from client.recommender.recommender import NO_HISTORY, Recommender
from client.serving.requests import Feedback


@dataclass
class _Added:
    """What feedback says of one user; items by id, since rows are another head's after a fit."""

    met: list[tuple[int, str, float]] = field(default_factory=list)
    """with the number of the journal's entry, and the time in seconds since 1970"""
    disliked: set[str] = field(default_factory=set)


class Histories:
    """Not locked: the service changes it under its own lock, and a list that is read while it grows is shorter."""

    def __init__(self) -> None:
        self._added: dict[str, _Added] = defaultdict(_Added)
        self._forgotten: set[str] = set()

    def add(self, event: Feedback, number: int) -> None:
        """Take an event in that stands in the journal under a number.

        Args:
            event: what a user did; an item that was only shown to them adds nothing.
            number: of the journal's entry.
        """
        added = self._added[event.user]
        if event.kind in MET:
            added.met.append((number, event.item, event.time))
            added.disliked.discard(event.item)
        elif event.kind is FeedbackKind.DISLIKED:
            added.disliked.add(event.item)

    def forget(self, user: str) -> None:
        """Drop all that was added; what the last fit knows of the user counts no more."""
        self._added.pop(user, None)
        self._forgotten.add(user)

    def of(
        self,
        user: str,
        session: Sequence[str],
        recommender: Recommender,
        *,
        fitted_until: int = 0,
        fitted_items: int | None = None,
        now: float | None = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.float64], int]:
        """A user's history: what the last fit knows, what feedback has added since, the session last.

        Items that are met again stand where they were met last, unless the platform's users meet items again. Events up
        to the journal's entry ``fitted_until`` are among those of the last fit, but for those on items that it did not
        know.

        Args:
            user: their id; empty where they are not known.
            session: ids of the latest items they met, oldest first.
            recommender: whose catalogue and users it is told by.
            fitted_until: number of the last entry of the journal that was fitted on; 0: none was.
            fitted_items: the fit knew so many of the catalogue's first items; None: all.
            now: seconds since 1970, the time of a session's items; None: now.

        Returns:
            [L] rows of the catalogue, oldest first; [L] their times in seconds since 1970; and how many of the
            session's items are not in the catalogue.
        """
        row_of = recommender.row_of_item
        added = self._added.get(user)
        met = [(number, row_of.get(item, -1), time) for number, item, time in (tuple(added.met) if added else ())]
        first_new = len(row_of) if fitted_items is None else fitted_items
        since = [(row, at) for number, row, at in met if row >= 0 and (number > fitted_until or row >= first_new)]
        session_rows = [row_of.get(item, -1) for item in session]
        present = time.time() if now is None else now
        added_rows = [*since, *((row, present) for row in session_rows if row >= 0)]
        before, when = self._fitted(user, recommender)
        rows = np.concatenate([before, np.array([row for row, _ in added_rows], np.int32)])
        times = np.concatenate([when, np.array([at for _, at in added_rows], np.float64)])
        unknown = sum(row < 0 for row in session_rows)
        retained = slice(None) if recommender.whole.repeats else _last_of_each(rows)
        return rows[retained], times[retained], unknown

    def disliked(self, user: str) -> Iterable[str]:
        """Items that the user does not want."""
        added = self._added.get(user)
        return tuple(added.disliked) if added else ()

    def _fitted(self, user: str, recommender: Recommender) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        if not user or user in self._forgotten or user not in recommender.row_of_user:
            return NO_HISTORY, np.zeros(0)
        return recommender.history_of(user), recommender.times_of(user)


def _last_of_each(rows: NDArray[np.int32]) -> NDArray[np.int64]:
    """Places of each row's last occurrence, in order."""
    _, places = np.unique(rows[::-1], return_index=True)
    return np.sort(len(rows) - 1 - places)
