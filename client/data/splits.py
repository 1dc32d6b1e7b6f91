"""Leave-last-out: which events of a user are history and which one is the target."""

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Examples, Platform, Sequences, Stage
from client.data.ragged import offsets_of, stretches

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
