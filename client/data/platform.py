"""A prepared platform: its catalogue, its users' sequences, who may train what, and the examples of each stage.

U users, n items, E events. Rows 0..n-1 are the catalogue after preparation, rows 0..U-1 the users left.
Every user has at least three events; ``held_out.py`` says which of them are predicted, and which may be trained on.

Several platforms can be merged as if one place held them: for the pooled upper reference in experiments.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from client.data.event_log import EventLog
from client.data.held_out import HeldOut, Stage, Targets, concatenated, last_events
from client.data.ragged import offsets_of, stretches
from client.data.sequences import Sequences, chained, last, part, select, take

MIN_TO_CONTRIBUTE = 100
"""Training users below which a platform receives and does not contribute."""

MAX_EARLY_STOPPING = 2_000
EARLY_STOPPING_SHARE = 4
"""One in so many encoder-training users says by their validation event when training stops."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Examples:
    """Histories with what came next, all drawn from the same stage."""

    users: NDArray[np.int64]
    """[N] user rows"""
    histories: Sequences
    """N histories, oldest item first, each as of the moment of what came next"""
    targets: NDArray[np.int32]
    """[N] item rows: what came next, or one item of it where that was a basket"""
    baskets: Sequences | None = None
    """[N] every item that came next; None where it is the target alone"""

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def relevant(self) -> Sequences:
        """[N] the items that a list should hold."""
        return self.baskets or self.next_items

    @property
    def next_items(self) -> Sequences:
        """[N] the target alone."""
        return Sequences(offsets=np.arange(len(self) + 1), items=self.targets)

    @property
    def sizes(self) -> NDArray[np.int64] | None:
        """[N] how many items are relevant, each 1 or more; None where it is the target alone."""
        return None if self.baskets is None else self.baskets.lengths()


Question = Callable[["Platform", Stage, NDArray[np.int64]], Examples]
"""What is asked of users at a stage, one example a target."""


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
    calibration_users: NDArray[np.int64]
    """the part of ``training_users`` that enters no encoder training (20 %)"""
    ordered: bool
    """False where the events have no meaningful order in time"""
    repeats: bool
    """True where a user may meet an item again, so that seen items stay in the ranking"""
    split: HeldOut | None = None
    """what is predicted of each user; None for their last events"""
    shown: EventLog | None = None
    """what was shown to training users, where impressions tell; but for pages that hold what is held out"""
    published: NDArray[np.float64] | None = None
    """[n] seconds since 1970, NaN where nobody knows; None where the platform says of no item when it was published"""

    @cached_property
    def held_out(self) -> HeldOut:
        """What is predicted of each user, and what may be trained on."""
        return self.split or last_events(self.sequences)

    @property
    def has_clock(self) -> bool:
        """Whether events have times, not an order alone."""
        return self.sequences.times is not None

    @property
    def encoder_users(self) -> NDArray[np.int64]:
        """Rows of the training users who are not calibration users."""
        return np.setdiff1d(self.training_users, self.calibration_users)

    @property
    def early_stopping_users(self) -> NDArray[np.int64]:
        """Rows of the encoder-training users whose validation events stop a training; no choice is made on them."""
        if not self.contributes:
            return self.training_users[:0]
        return self._validating(self.encoder_users)[::EARLY_STOPPING_SHARE][:MAX_EARLY_STOPPING]

    @property
    def selection_users(self) -> NDArray[np.int64]:
        """Rows of the training users on whose validation events a choice between recommenders is made."""
        return np.setdiff1d(self._validating(self.training_users), self.early_stopping_users)

    def _validating(self, users: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of the users who have a validation target."""
        return users[np.isin(users, self.held_out.targets[Stage.VALIDATION].users)]

    @property
    def contributes(self) -> bool:
        """False for a platform too small to send anything: it receives only."""
        return len(self.training_users) >= MIN_TO_CONTRIBUTE

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
    early_stopping_users: NDArray[np.int64]
    """rows of those who stop a training on their own platform too, so that choices made there stay untouched"""


def merged(platforms: list[Platform]) -> Merged:
    """One platform of all catalogues side by side and all users.

    Items and users stay apart, nothing is matched. Training users are the encoder users of each platform that may
    contribute; nobody is a calibration user.

    Args:
        platforms: one or more prepared platforms.

    Returns:
        the platform, with the rows of early-stopping users.
    """
    first_items = np.cumsum([0, *(platform.n_items for platform in platforms)])
    first_users = np.cumsum([0, *(platform.n_users for platform in platforms)])
    sequences = [
        replace(p.sequences, items=(p.sequences.items + start).astype(np.int32))
        for p, start in zip(platforms, first_items, strict=False)
    ]
    encoder_users = [p.encoder_users + start for p, start in zip(platforms, first_users, strict=False) if p.contributes]
    early_stopping = [p.early_stopping_users + start for p, start in zip(platforms, first_users, strict=False)]
    platform = Platform(
        name="pooled",
        item_ids=tuple(f"{p.name}/{item}" for p in platforms for item in p.item_ids),
        texts=tuple(text for p in platforms for text in p.texts),
        categories=None,
        vectors=None,
        user_ids=tuple(f"{p.name}/{user}" for p in platforms for user in p.user_ids),
        user_numbers=np.arange(first_users[-1]),
        sequences=chained(sequences),
        split=concatenated([platform.held_out for platform in platforms]),
        training_users=np.concatenate([np.empty(0, np.int64), *encoder_users]),
        calibration_users=np.empty(0, np.int64),
        ordered=all(platform.ordered for platform in platforms),
        repeats=all(platform.repeats for platform in platforms),
    )
    users = np.concatenate(early_stopping)  # as many of them, evenly spread, as stop the training of one platform
    return Merged(platform=platform, early_stopping_users=users[:: max(1, -(-len(users) // MAX_EARLY_STOPPING))])


def training_sequences(platform: Platform, users: NDArray[np.int64]) -> Sequences:
    """The events that may enter statistics and training: those before what is held out.

    Args:
        platform: a prepared platform.
        users: [N] rows of users.

    Returns:
        N lists, in the order of ``users``.
    """
    return take(platform.sequences, users, platform.held_out.training[users])


def countable_events(platform: Platform, users: NDArray[np.int64], stage: Stage) -> Sequences:
    """The events that may be counted once and for all, where a stage is predicted.

    Args:
        platform: a prepared platform.
        users: [N] rows of users.
        stage: what is predicted.

    Returns:
        N lists, in the order of ``users``.
    """
    return take(platform.sequences, users, platform.held_out.countable(stage)[users])


def known_events(platform: Platform, users: NDArray[np.int64]) -> Sequences:
    """The events that may be counted as of a later moment.

    Args:
        platform: a prepared platform.
        users: [N] rows of users.

    Returns:
        N lists, in the order of ``users``.
    """
    return take(platform.sequences, users, platform.held_out.known[users])


def examples(platform: Platform, stage: Stage, users: NDArray[np.int64]) -> Examples:
    """Every target of a stage, each after its history.

    Args:
        platform: a prepared platform.
        stage: what is predicted.
        users: rows of users.

    Returns:
        an example for each target of ``users``, by user, then time.
    """
    return _of_targets(platform, platform.held_out.targets[stage].of(np.asarray(users)))


def earlier_examples(platform: Platform, users: NDArray[np.int64]) -> Examples:
    """Every target before those for training, each after its history.

    Args:
        platform: a prepared platform.
        users: rows of users.

    Returns:
        an example for each target of ``users``, by user, then time; none where time does not say what is met together.
    """
    return _of_targets(platform, platform.held_out.earlier.of(np.asarray(users)))


def _of_targets(platform: Platform, target_ranges: Targets) -> Examples:
    sizes = target_ranges.stops - target_ranges.starts
    chosen = target_ranges.starts + platform.user_numbers[target_ranges.users] % sizes
    histories = _asked(platform.sequences, target_ranges.users, target_ranges.starts)
    targets = platform.sequences.items[platform.sequences.offsets[target_ranges.users] + chosen]
    whole = part(platform.sequences, target_ranges.users, target_ranges.starts, sizes)
    baskets = None if (sizes == 1).all() else _distinct(whole)
    return Examples(users=target_ranges.users, histories=histories, targets=targets, baskets=baskets)


def recent_examples(platform: Platform, users: NDArray[np.int64], count: int) -> Examples:
    """The last training events of users that have a history, each after its history.

    Args:
        platform: a prepared platform.
        users: rows of users.
        count: events of each user, at most.

    Returns:
        an example for each event, newest first, user by user.
    """
    lengths = platform.held_out.training[users] - 1
    counts = np.clip(lengths, 0, count)
    back = stretches(np.zeros_like(counts), counts)
    rows, lengths = np.repeat(users, counts), np.repeat(lengths, counts) - back
    targets = platform.sequences.items[platform.sequences.offsets[rows] + lengths]
    return Examples(users=rows, histories=_asked(platform.sequences, rows, lengths), targets=targets)


def _asked(sequences: Sequences, rows: NDArray[np.int64], places: NDArray[np.int64]) -> Sequences:
    """What came before the events at ``places`` of the sequences in ``rows``, as of their moments."""
    moments = None if sequences.times is None else sequences.times[sequences.offsets[rows] + places]
    return replace(take(sequences, rows, places), moments=moments)


def _distinct(baskets: Sequences) -> Sequences:
    """Each basket's items once, in the order of rows of the catalogue."""
    owners = baskets.owners()
    order = np.lexsort((baskets.items, owners))
    owners, items = owners[order], baskets.items[order]
    first = np.ones(len(items), bool)
    first[1:] = (owners[1:] != owners[:-1]) | (items[1:] != items[:-1])
    return Sequences(offsets=offsets_of(np.bincount(owners[first], minlength=len(baskets))), items=items[first])


def frozen(examples: Examples, at: float) -> Examples:
    """The examples as of a time at the latest: what is counted then counts nothing later.

    A history moves with its moment, so that the gap since its last event stays what it is.

    Args:
        examples: N of them.
        at: seconds since 1970.

    Returns:
        N examples; the same ones where histories have no moments.
    """
    histories = examples.histories
    if histories.moments is None:
        return examples
    clipped = np.minimum(histories.moments, at)
    back = (histories.moments - clipped)[histories.owners()]
    times = None if histories.times is None else histories.times - back
    return replace(examples, histories=replace(histories, times=times, moments=clipped))


def some(examples: Examples, rows: NDArray[np.int64]) -> Examples:
    """Some of the examples.

    Args:
        examples: N of them.
        rows: [M] which of them.

    Returns:
        M examples, in the order of ``rows``.
    """
    return Examples(
        users=examples.users[rows],
        histories=select(examples.histories, rows),
        targets=examples.targets[rows],
        baskets=None if examples.baskets is None else select(examples.baskets, rows),
    )


def latest(examples: Examples, rows: NDArray[np.int64], length: int) -> Examples:
    """Some of the examples, each with the end of its history alone.

    Args:
        examples: N of them.
        rows: [M] which of them.
        length: items of a history that are kept, the last ones; all of a history that has fewer.

    Returns:
        M examples, in the order of ``rows``.
    """
    return replace(some(examples, rows), histories=last(examples.histories, rows, length))


def joined(parts: list[Examples]) -> Examples:
    """All examples, one part after the other.

    Args:
        parts: examples on one catalogue.

    Returns:
        one collection.
    """
    return Examples(
        users=np.concatenate([piece.users for piece in parts]),
        histories=chained([piece.histories for piece in parts]),
        targets=np.concatenate([piece.targets for piece in parts]),
        baskets=None if all(piece.baskets is None for piece in parts) else chained([piece.relevant for piece in parts]),
    )
