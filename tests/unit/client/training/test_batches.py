import itertools

import numpy as np

from client.training.batches import Windows, last_items
from tests.unit.client.training.world import ragged, walks


def pairs_of(batches):
    found = []
    for batch in batches:
        inputs = batch.items.reshape(-1)[batch.positions]
        found += list(zip(inputs.tolist(), batch.targets.tolist(), strict=True))
    return sorted(found)


def test_holds_every_pair_of_neighbours_once():
    sequences = walks()
    expected = []
    for user in range(len(sequences)):
        items = sequences.items[sequences.offsets[user] : sequences.offsets[user + 1]].tolist()
        expected += list(itertools.pairwise(items))
    windows = Windows.of(sequences, 3)
    batches = list(windows.epoch(np.random.default_rng(0), 16))
    assert pairs_of(batches) == sorted(expected)
    assert len(batches) == windows.steps(16)


def test_keeps_the_end_of_a_long_sequence_in_a_full_window():
    windows = Windows.of(ragged([[0, 1, 2, 3, 4, 5, 6, 7], [1], []]), 3)
    cut = sorted(zip(windows.starts.tolist(), windows.lengths.tolist(), strict=True))
    assert cut == [(0, 1), (1, 3), (4, 3)]


def test_bounds_a_batch_and_pads_little():
    windows = Windows.of(walks(users=500), 12)
    batches = list(windows.epoch(np.random.default_rng(0), 64))
    assert max(batch.items.size for batch in batches) <= 64
    assert sum(batch.items.size for batch in batches) < 1.1 * sum(len(batch.targets) for batch in batches)


def test_mixes_by_the_generator_alone():
    windows = Windows.of(walks(), 12)
    one, two = (list(windows.epoch(np.random.default_rng(4), 16)) for _ in range(2))
    assert all(np.array_equal(a.items, b.items) for a, b in zip(one, two, strict=True))


def test_takes_the_last_items():
    items, counts = last_items(ragged([[1, 2, 3, 4], [], [5]]), np.array([0, 2]), 3)
    assert items.tolist() == [[2, 3, 4], [5, 0, 0]]
    assert counts.tolist() == [3, 1]
