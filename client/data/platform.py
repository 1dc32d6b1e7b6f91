"""A prepared platform: its catalogue, its users' sequences, and who may train what; and leave-last-out splits of it.

U users, n items, E events. Rows 0..n-1 are the catalogue after preparation, rows 0..U-1 the users left.
Every user has at least three events. The last is the test event, the one before it the validation event,
all earlier ones are training events.

Several platforms can be merged as if one place held them: for the pooled upper reference in experiments.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from client.data.ragged import offsets_of, stretches

MIN_CONTRIBUTING = 100
"""Training users below which a platform receives and does not contribute."""

MAX_STOPPING = 2_000
STOPPING_SHARE = 4
"""One in so many contributing users says by his validation event when training stops."""


class Stage(StrEnum):
    """Which event of a user is the target; every event before it is the history."""

    TRAIN = "train"
    """The last training event (third from the end); users with two training events or more."""
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, eq=False, kw_only=True)
class Sequences:
    """Ragged lists of item rows in time order: user u's are ``items[offsets[u]:offsets[u + 1]]``."""

    offsets: NDArray[np.int64]
    """[U + 1]"""
    items: NDArray[np.int32]
    """[E]"""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def lengths(self) -> NDArray[np.int64]:
        """[U] number of items of each user."""
        return np.diff(self.offsets)


@dataclass(frozen=True, eq=False, kw_only=True)
class Examples:
    """Histories with one target each, all drawn from the same stage."""

    users: NDArray[np.int64]
    """[N] user rows"""
    histories: Sequences
    """N histories, oldest item first"""
    targets: NDArray[np.int32]
    """[N] item rows"""

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True, eq=False, kw_only=True)
class Platform:
    """A prepared platform; see the module's sentence for the meaning of rows."""

    name: str
    item_ids: tuple[str, ...]
    """[n] original ids, as text"""
    texts: tuple[str, ...]
    """[n]"""
    categories: tuple[str, ...] | None
    """[n] or None"""
    vectors: NDArray[np.float32] | None
    """[n, D] given vectors (feature space ``precomputed``), or None"""
    user_ids: tuple[str, ...]
    """[U] original ids, as text; never leave the platform"""
    user_numbers: NDArray[np.int64]
    """[U] place of each user among all ids of the folder, in their order: a user has the same under every seed"""
    sequences: Sequences
    """all events of the users left, in time order (or as given where ``ordered`` is False)"""
    training_users: NDArray[np.int64]
    """rows of the users inside ``fraction``: the only ones whose events may enter a statistic or a weight"""
    weighting_users: NDArray[np.int64]
    """the part of ``training_users`` that enters no encoder training (20 %)"""
    ordered: bool
    """False where the events have no meaningful order in time"""
    repeats: bool
    """True where a user may meet an item again, so that seen items stay in the ranking"""

    @property
    def contributing_users(self) -> NDArray[np.int64]:
        """Rows of the training users who are not weighting users."""
        return np.setdiff1d(self.training_users, self.weighting_users)

    @property
    def stopping_users(self) -> NDArray[np.int64]:
        """Rows of the contributing users whose validation events stop a training; no choice is made on them."""
        return self.contributing_users[::STOPPING_SHARE][:MAX_STOPPING] if self.contributes else self.training_users[:0]

    @property
    def choosing_users(self) -> NDArray[np.int64]:
        """Rows of the training users on whose validation events a choice between recommenders is made."""
        return np.setdiff1d(self.training_users, self.stopping_users)

    @property
    def contributes(self) -> bool:
        """False for a platform too small to send anything: it receives only."""
        return len(self.training_users) >= MIN_CONTRIBUTING

    @property
    def n_items(self) -> int:
        """Size of the catalogue."""
        return len(self.item_ids)

    @property
    def n_users(self) -> int:
        """Number of users left after preparation."""
        return len(self.user_ids)


@dataclass(frozen=True, eq=False, kw_only=True)
class Merged:
    """Several platforms in one place."""

    platform: Platform
    stopping_users: NDArray[np.int64]
    """rows of those who stop a training on their own platform too, so that choices made there stay untouched"""


def merged(platforms: list[Platform]) -> Merged:
    """One platform of all catalogues side by side and all users; items and users stay apart, nothing is matched.

    Training users are the contributing ones of each platform that may contribute; nobody is a weighting user.
    """
    first_items = np.cumsum([0, *(platform.n_items for platform in platforms)])
    first_users = np.cumsum([0, *(platform.n_users for platform in platforms)])
    items = [p.sequences.items + start for p, start in zip(platforms, first_items, strict=False)]
    lengths = [platform.sequences.lengths() for platform in platforms]
    contributing = [
        p.contributing_users + start for p, start in zip(platforms, first_users, strict=False) if p.contributes
    ]
    stopping = [p.stopping_users + start for p, start in zip(platforms, first_users, strict=False)]
    platform = Platform(
        name="pooled",
        item_ids=tuple(f"{p.name}/{item}" for p in platforms for item in p.item_ids),
        texts=tuple(text for p in platforms for text in p.texts),
        categories=None,
        vectors=None,
        user_ids=tuple(f"{p.name}/{user}" for p in platforms for user in p.user_ids),
        user_numbers=np.arange(first_users[-1]),
        sequences=Sequences(offsets=offsets_of(np.concatenate(lengths)), items=np.concatenate(items).astype(np.int32)),
        training_users=np.concatenate([np.empty(0, np.int64), *contributing]),
        weighting_users=np.empty(0, np.int64),
        ordered=all(platform.ordered for platform in platforms),
        repeats=all(platform.repeats for platform in platforms),
    )
    users = np.concatenate(stopping)  # as many of them, evenly spread, as stop the training of one platform
    return Merged(platform=platform, stopping_users=users[:: max(1, -(-len(users) // MAX_STOPPING))])


_FROM_END = {Stage.TEST: 1, Stage.VALIDATION: 2, Stage.TRAIN: 3}


def take(sequences: Sequences, rows: NDArray[np.int64], lengths: NDArray[np.int64]) -> Sequences:
    """The first ``lengths[k]`` items of each sequence in ``rows``."""
    places = stretches(sequences.offsets[rows], lengths)
    return Sequences(offsets=offsets_of(lengths), items=sequences.items[places])


def select(sequences: Sequences, rows: NDArray[np.int64]) -> Sequences:
    """The sequences in ``rows``, whole."""
    return take(sequences, rows, sequences.lengths()[rows])


def training_sequences(platform: Platform, users: NDArray[np.int64]) -> Sequences:
    """All but the last two events of these users: what may enter statistics and training."""
    return take(platform.sequences, users, platform.sequences.lengths()[users] - 2)


def examples(platform: Platform, stage: Stage, users: NDArray[np.int64]) -> Examples:
    """One example for each of ``users`` whose history would not be empty."""
    lengths = platform.sequences.lengths()[users] - _FROM_END[stage]
    users, lengths = users[lengths > 0], lengths[lengths > 0]
    histories = take(platform.sequences, users, lengths)
    targets = platform.sequences.items[platform.sequences.offsets[users] + lengths]
    return Examples(users=users, histories=histories, targets=targets)


def some(examples: Examples, rows: NDArray[np.int64]) -> Examples:
    """The examples in ``rows``."""
    return Examples(
        users=examples.users[rows], histories=select(examples.histories, rows), targets=examples.targets[rows]
    )


def recent_examples(platform: Platform, users: NDArray[np.int64], count: int) -> Examples:
    """The last ``count`` training events of each of ``users`` that have a history, newest first, user by user."""
    lengths = platform.sequences.lengths()[users] - _FROM_END[Stage.TRAIN]
    counts = np.clip(lengths, 0, count)
    back = stretches(np.zeros_like(counts), counts)
    rows, lengths = np.repeat(users, counts), np.repeat(lengths, counts) - back
    targets = platform.sequences.items[platform.sequences.offsets[rows] + lengths]
    return Examples(users=rows, histories=take(platform.sequences, rows, lengths), targets=targets)


def latest(given: Examples, rows: NDArray[np.int64], length: int) -> Examples:
    """The examples in ``rows``, each with the last ``length`` items of its history alone, or with all if fewer."""
    whole = given.histories.lengths()[rows]
    lengths = np.minimum(whole, length)
    starts = given.histories.offsets[rows] + whole - lengths
    histories = Sequences(offsets=offsets_of(lengths), items=given.histories.items[stretches(starts, lengths)])
    return Examples(users=given.users[rows], histories=histories, targets=given.targets[rows])


def joined(parts: list[Examples]) -> Examples:
    """All examples, one part after the other."""
    lengths = np.concatenate([part.histories.lengths() for part in parts])
    return Examples(
        users=np.concatenate([part.users for part in parts]),
        histories=Sequences(
            offsets=offsets_of(lengths), items=np.concatenate([part.histories.items for part in parts])
        ),
        targets=np.concatenate([part.targets for part in parts]),
    )
