"""Which of a user's events are predicted, at which stage, and which may be trained on: the protocols of evaluation.

U users, N targets of a stage. A target is a stretch of a user's sequence: a basket, or one event. All events before it
are its history; what is predicted of it are the items that it holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from client.data.sequences import Sequences

EARLIER = 2
"""Targets before a user's one for training that weights may be learned from, too."""


class Stage(StrEnum):
    """What a target is for."""

    TRAIN = "train"
    """weights are learned from it; it may be trained on, too"""
    VALIDATION = "validation"
    """choices are made on it, and trainings are stopped by it"""
    TEST = "test"


@dataclass(frozen=True, eq=False, kw_only=True)
class Targets:
    """The targets of one stage, by user, then time."""

    users: NDArray[np.int64]
    """[N] user rows, sorted"""
    starts: NDArray[np.int64]
    """[N] place of a target's first event in its user's sequence"""
    stops: NDArray[np.int64]
    """[N] place behind its last event"""

    def of(self, users: NDArray[np.int64]) -> "Targets":
        """The targets of these users alone."""
        return self.at(np.flatnonzero(np.isin(self.users, users)))

    def at(self, rows: NDArray[np.int64]) -> "Targets":
        """Some of the targets."""
        return Targets(users=self.users[rows], starts=self.starts[rows], stops=self.stops[rows])


@dataclass(frozen=True, eq=False, kw_only=True)
class HeldOut:
    """What is predicted of every user, and what may be trained on."""

    training: NDArray[np.int64]
    """[U] so many events of each user, the first ones, may enter statistics and trainings"""
    known: NDArray[np.int64]
    """[U] so many may enter what is counted as of a moment after them"""
    targets: Mapping[Stage, Targets]
    earlier: Targets = field(default_factory=lambda: _single(np.zeros(0, np.int64)))
    """up to ``EARLIER`` more of each user before the one for training, for what the last ones tell too little of"""
    frozen_at: float | None = None
    """seconds since 1970 from which targets are for the test, where time is cut; None elsewhere"""
    within: float | None = None
    """seconds between two events of one basket, at most; None where single events are predicted"""


def last_events(sequences: Sequences) -> HeldOut:
    """Leave-last-out by position: a user's last event is for the test, the one before for validation.

    The third from the end is for training. A user has it where a history is left; every user has two events or more.
    """
    lengths = sequences.lengths()
    training = np.maximum(lengths - 2, 0)
    return HeldOut(
        training=training,
        known=training,
        targets={
            stage: _single(lengths - back)
            for back, stage in enumerate((Stage.TEST, Stage.VALIDATION, Stage.TRAIN), start=1)
        },
    )


def _single(places: NDArray[np.int64]) -> Targets:
    """The events at these places [U], where an event comes before."""
    users = np.flatnonzero(places > 0)
    return Targets(users=users, starts=places[users], stops=places[users] + 1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Baskets:
    """Every basket of every user, by user, then time."""

    targets: Targets
    """[K] all of them"""
    times: NDArray[np.float64]
    """[K] of the first event; NaN where it is not known"""

    @property
    def predictable(self) -> NDArray[np.bool_]:
        """[K] whether its time is known and its user has an event before it."""
        return (self.targets.starts > 0) & ~np.isnan(self.times)


def baskets(sequences: Sequences, within: float) -> Baskets:
    """An event joins the basket of the one before it that is ``within`` seconds or fewer ago.

    An event whose time is not known is a basket of its own.
    """
    owners, times = sequences.owners(), sequences.clock
    begins = np.ones(len(times), bool)
    begins[1:] = (owners[1:] != owners[:-1]) | ~(np.diff(times) <= within)
    first = np.flatnonzero(begins)
    behind = np.append(first[1:], len(times))
    start = sequences.offsets[owners[first]]
    return Baskets(targets=Targets(users=owners[first], starts=first - start, stops=behind - start), times=times[first])


def last_baskets(sequences: Sequences, within: float, drawn: NDArray[np.float64]) -> HeldOut:
    """Leave-last-out by basket: a user's last predictable basket is for the test, the one before for validation.

    The third from the end is for training. Of users with one predictable basket, half are tested on it, a quarter
    validate, a quarter train: who does what is ``drawn`` [U] from 0 to 1.
    """
    found = baskets(sequences, within)
    rows = np.flatnonzero(found.predictable)
    users = found.targets.users[rows]
    counts = np.bincount(users, minlength=len(sequences))
    back = np.cumsum(counts)[users] - np.arange(len(rows))  # 1 for a user's last one
    only = counts[users] == 1
    back = np.where(only, np.select([drawn[users] < 0.5, drawn[users] < 0.75], [1, 2], 3), back)
    targets = {
        stage: found.targets.at(rows[back == place])
        for place, stage in enumerate((Stage.TEST, Stage.VALIDATION, Stage.TRAIN), start=1)
    }
    training = sequences.lengths().copy()
    for stage in (Stage.TEST, Stage.VALIDATION):
        training[targets[stage].users] = targets[stage].starts
    earlier = found.targets.at(rows[(back > len(targets)) & (back <= len(targets) + EARLIER)])
    return HeldOut(training=training, known=training, targets=targets, earlier=earlier, within=within)


def after_cuts(sequences: Sequences, within: float, validation_from: float, test_from: float) -> HeldOut:
    """A global split in time: whatever lies before ``validation_from`` may be trained on, nothing else.

    What is counted as of a moment counts all that came before that moment, as a service does which takes events in.

    Predictable baskets from then on validate, those from ``test_from`` on are for the test. A user's last predictable
    basket before both is for training. Of a basket that a cut goes through, what comes before the cut is predicted, and
    the rest at no stage. Events without a known time lie before every cut.
    """
    found, clock, owners = baskets(sequences, within), sequences.clock, sequences.owners()
    before = [np.bincount(owners, ~(clock >= at), minlength=len(sequences)) for at in (validation_from, test_from)]
    ends = np.stack([*before, sequences.lengths()]).astype(np.int64)  # [3, U]
    late = (found.times >= validation_from).astype(np.int64) + (found.times >= test_from)
    rows = np.flatnonzero(found.predictable)
    early = rows[late[rows] == 0]
    users = found.targets.users[early]
    back = np.cumsum(np.bincount(users, minlength=len(sequences)))[users] - np.arange(len(early))  # 1 for the last one
    cut = replace(found.targets, stops=np.minimum(found.targets.stops, ends[late, found.targets.users]))
    return HeldOut(
        training=ends[0],
        known=sequences.lengths(),
        frozen_at=test_from,
        within=within,
        earlier=cut.at(early[(back > 1) & (back <= 1 + EARLIER)]),
        targets={
            Stage.TRAIN: cut.at(early[back == 1]),
            Stage.VALIDATION: cut.at(rows[late[rows] == 1]),
            Stage.TEST: cut.at(rows[late[rows] == 2]),
        },
    )


def side_by_side(parts: Sequence[HeldOut]) -> HeldOut:
    """Of the users of all parts, one part after the other."""
    first = np.cumsum([0, *(len(one.training) for one in parts)])[:-1]
    return HeldOut(
        training=np.concatenate([one.training for one in parts]),
        known=np.concatenate([one.known for one in parts]),
        earlier=_chained([one.earlier for one in parts], first),
        targets={stage: _chained([one.targets[stage] for one in parts], first) for stage in Stage},
    )


def _chained(parts: Sequence[Targets], first: NDArray[np.int64]) -> Targets:
    """One part after the other; ``first`` is the row of each one's first user."""
    return Targets(
        users=np.concatenate([one.users + start for one, start in zip(parts, first, strict=True)]),
        starts=np.concatenate([one.starts for one in parts]),
        stops=np.concatenate([one.stops for one in parts]),
    )
