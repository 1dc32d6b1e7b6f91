"""Which part of a history an example holds."""

import numpy as np

from client.data.platform import Examples, joined, latest
from client.data.sequences import Sequences

TWO = Examples(
    users=np.array([4, 9]),
    histories=Sequences(offsets=np.array([0, 3, 5]), items=np.array([10, 11, 12, 20, 21], np.int32)),
    targets=np.array([1, 2], np.int32),
)


def histories(given: Examples) -> list[list[int]]:
    return [part.tolist() for part in np.split(given.histories.items, given.histories.offsets[1:-1])]


def test_keeps_the_last_events_of_a_history_and_its_target() -> None:
    part = latest(TWO, np.array([1, 0]), 2)
    assert histories(part) == [[20, 21], [11, 12]]
    assert (part.users.tolist(), part.targets.tolist()) == ([9, 4], [2, 1])


def test_keeps_all_of_a_history_that_is_shorter() -> None:
    assert histories(latest(TWO, np.array([0, 1]), 3)) == [[10, 11, 12], [20, 21]]


def test_joins_examples_one_part_after_the_other() -> None:
    both = joined([TWO, latest(TWO, np.array([0]), 1)])
    assert histories(both) == [[10, 11, 12], [20, 21], [12]]
    assert (both.users.tolist(), both.targets.tolist()) == ([4, 9, 4], [1, 2, 1])
