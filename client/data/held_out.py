"""Which of a user's events are predicted, at which stage, and which may be trained on: the protocols of evaluation.

U users, N targets of a stage. A target is a stretch of a user's sequence: a basket, or one event. All events before it
are its history; what is predicted of it are the items that it holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from client.data.sequences import Sequences, events_before, lists, user_blocks

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
        """The targets of some users alone.

        Args:
            users: rows of users, in any order.

        Returns:
            their targets, in the order of these.
        """
        return self.at(np.flatnonzero(np.isin(self.users, users)))

    def at(self, rows: NDArray[np.int64]) -> "Targets":
        """Some of the targets.

        Args:
            rows: [M] which of the N targets.

        Returns:
            M targets.
        """
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
    counted: Mapping[Stage, NDArray[np.int64]] = field(default_factory=dict)
    """[U] by stage, see ``countable``; without a stage, ``training``"""

    def countable(self, stage: Stage) -> NDArray[np.int64]:
        """How many of each user's events may be counted once and for all, where a stage is predicted.

        Args:
            stage: what is predicted.

        Returns:
            [U] so many first events of each user.
        """
        return self.counted.get(stage, self.training)

    def counts_on(self, users: NDArray[np.int64]) -> bool:
        """Whether more events of these users are counted for the test than for validation."""
        return not np.array_equal(self.countable(Stage.TEST)[users], self.countable(Stage.VALIDATION)[users])

    def trained_again(self, early_stopping: NDArray[np.int64]) -> "HeldOut":
        """What is held out once all that may be counted by the test may be trained on too.

        Args:
            early_stopping: rows of users for whom it stays as it is.

        Returns:
            with more events that may be trained on, and the same targets.
        """
        training = self.countable(Stage.TEST).copy()
        training[early_stopping] = self.training[early_stopping]
        return replace(self, training=training)

    def up_to(self, most: NDArray[np.int64]) -> "HeldOut":
        """What is held out when only the first events of each user may be trained on or counted.

        Args:
            most: [U] so many of each user.

        Returns:
            without what lies behind them in trainings and in what is counted; the targets stay.
        """
        counted = {stage: np.minimum(counts, most) for stage, counts in self.counted.items()}
        return replace(self, training=np.minimum(self.training, most), counted=counted)


def last_events(sequences: Sequences) -> HeldOut:
    """Leave-last-out by position: a user's last event is for the test, the one before for validation.

    The third from the end is for training. A user has it where a history is left.

    Args:
        sequences: what each of the U users met; two events or more.

    Returns:
        targets by stage, and what of each user may be trained on.
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
    """The baskets of every user.

    An event joins the basket of the one before it that is ``within`` seconds or fewer ago. An event whose time is not
    known is a basket of its own.

    Args:
        sequences: what each user met.
        within: seconds between two events of one basket, at most.

    Returns:
        all baskets, by user, then time.
    """
    owners, times = sequences.owners(), sequences.clock
    begins = np.ones(len(times), bool)
    begins[1:] = (owners[1:] != owners[:-1]) | ~(np.diff(times) <= within)
    first = np.flatnonzero(begins)
    behind = np.append(first[1:], len(times))
    start = sequences.offsets[owners[first]]
    return Baskets(targets=Targets(users=owners[first], starts=first - start, stops=behind - start), times=times[first])


def last_baskets(sequences: Sequences, within: float, drawn: NDArray[np.float64]) -> HeldOut:
    """Leave-last-out by basket: a user's last predictable basket is for the test.

    The one before is for validation, the third from the end for training. Of users with one predictable basket, half
    are tested on it, a quarter validate, a quarter train.

    Args:
        sequences: what each of the U users met.
        within: seconds between two events of one basket, at most.
        drawn: [U] from 0 to 1, who does what of users with one predictable basket.

    Returns:
        targets by stage, and what of each user may be trained on.
    """
    bounds = list(user_blocks(sequences, BASKET_EVENTS))
    chosen = [_last_baskets(lists(sequences, block), within, drawn[block]) for block in bounds]
    first = np.array([block.start for block in bounds], np.int64)
    stages = (Stage.TEST, Stage.VALIDATION, Stage.TRAIN)
    targets = {stage: _chained([part[place] for part in chosen], first) for place, stage in enumerate(stages)}
    training = sequences.lengths().copy()
    for stage in (Stage.TEST, Stage.VALIDATION):
        training[targets[stage].users] = targets[stage].starts
    earlier = _chained([part[len(stages)] for part in chosen], first)
    return HeldOut(training=training, known=training, targets=targets, earlier=earlier, within=within)


BASKET_EVENTS = 1_000_000
"""Events whose baskets are looked at together, so that those of all users never lie in memory at once."""


def _last_baskets(sequences: Sequences, within: float, drawn: NDArray[np.float64]) -> list[Targets]:
    """Targets for test, validation and training, and those before them; see ``last_baskets``."""
    user_baskets = baskets(sequences, within)
    rows = np.flatnonzero(user_baskets.predictable)
    users = user_baskets.targets.users[rows]
    counts = np.bincount(users, minlength=len(sequences))
    back = np.cumsum(counts)[users] - np.arange(len(rows))  # 1 for a user's last one
    only = counts[users] == 1
    back = np.where(only, np.select([drawn[users] < 0.5, drawn[users] < 0.75], [1, 2], 3), back)
    of_places = [back == 1, back == 2, back == 3, (back > 3) & (back <= 3 + EARLIER)]
    return [user_baskets.targets.at(rows[chosen]) for chosen in of_places]


LEAST_WEIGHING = 300
"""Users, if there are as many, whose targets tell weights where time is cut."""


def after_cuts(sequences: Sequences, within: float, validation_from: float, test_from: float) -> HeldOut:
    """A global split in time: whatever lies before validation may be trained on, nothing else.

    What is counted as of a moment counts all that came before that moment, as a service does which takes events in.
    What is counted once and for all ends where the stretch of time begins in which it is used, at every stage: weights
    then know how old it is. (Told by counts that know the days they weigh, they trust them too much;
    docs/decisions/0047.)

    Predictable baskets from ``validation_from`` on validate, those from ``test_from`` on are for the test. A user's
    last predictable basket in a stretch before both is for training. Of a basket that a cut goes through, what comes
    before the cut is predicted, and the rest at no stage. Events without a known time lie before every cut.

    Args:
        sequences: what each user met.
        within: seconds between two events of one basket, at most.
        validation_from: seconds since 1970 from which baskets validate.
        test_from: seconds since 1970 from which baskets are for the test.

    Returns:
        targets by stage, and what of each user may be trained on or counted.
    """
    user_baskets, clock = baskets(sequences, within), sequences.clock
    weighing_from = _weighing_from(user_baskets, clock, validation_from, test_from)
    cuts = (weighing_from, validation_from, test_from)
    ends = np.stack([*(events_before(sequences, at) for at in cuts), sequences.lengths()])  # [4, U]
    late = np.sum([user_baskets.times >= at for at in cuts], axis=0)
    rows = np.flatnonzero(user_baskets.predictable)
    early = rows[late[rows] == 1]
    users = user_baskets.targets.users[early]
    back = np.cumsum(np.bincount(users, minlength=len(sequences)))[users] - np.arange(len(early))  # 1 for the last one
    cut = replace(
        user_baskets.targets, stops=np.minimum(user_baskets.targets.stops, ends[late, user_baskets.targets.users])
    )
    return HeldOut(
        training=ends[1],
        known=sequences.lengths(),
        frozen_at=test_from,
        within=within,
        earlier=cut.at(early[(back > 1) & (back <= 1 + EARLIER)]),
        counted={
            Stage.TRAIN: ends[0] if np.isfinite(weighing_from) else ends[1],
            Stage.VALIDATION: ends[1],
            Stage.TEST: ends[2],
        },
        targets={
            Stage.TRAIN: cut.at(early[back == 1]),
            Stage.VALIDATION: cut.at(rows[late[rows] == 2]),
            Stage.TEST: cut.at(rows[late[rows] == 3]),
        },
    )


def _weighing_from(
    user_baskets: Baskets, clock: NDArray[np.float64], validation_from: float, test_from: float
) -> float:
    """The second from which weights are told: as long before validation as validation lasts.

    Longer where fewer than ``LEAST_WEIGHING`` users have a target in it, up to half of the time that comes before
    validation; −inf where nobody has one in that.
    """
    early = user_baskets.predictable & (user_baskets.times < validation_from)
    length = test_from - validation_from
    most = (validation_from - np.nanmin(clock, initial=validation_from)) / 2
    while True:
        begin = validation_from - min(length, most)
        users = len(np.unique(user_baskets.targets.users[early & (user_baskets.times >= begin)]))
        if users >= LEAST_WEIGHING or length >= most:
            return begin if users else -np.inf
        length *= 2


def concatenated(parts: Sequence[HeldOut]) -> HeldOut:
    """What is held out of the users of all parts, one part after the other.

    Args:
        parts: each of its own users.

    Returns:
        targets and numbers of all users; a user's row is that in its part plus the users before it.
    """
    first = np.cumsum([0, *(len(part.training) for part in parts)])[:-1]
    return HeldOut(
        training=np.concatenate([part.training for part in parts]),
        known=np.concatenate([part.known for part in parts]),
        counted={stage: np.concatenate([part.countable(stage) for part in parts]) for stage in Stage},
        earlier=_chained([part.earlier for part in parts], first),
        targets={stage: _chained([part.targets[stage] for part in parts], first) for stage in Stage},
    )


def _chained(parts: Sequence[Targets], first: NDArray[np.int64]) -> Targets:
    """One part after the other; ``first`` is the row of each one's first user."""
    if not parts:
        return _single(np.zeros(0, np.int64))
    return Targets(
        users=np.concatenate([part.users + start for part, start in zip(parts, first, strict=True)]),
        starts=np.concatenate([part.starts for part in parts]),
        stops=np.concatenate([part.stops for part in parts]),
    )
