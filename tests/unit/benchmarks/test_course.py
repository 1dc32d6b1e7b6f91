import io
import json

import numpy as np
import pytest
import torch

from benchmarks.peers.course import Course, Entry, Stopwatch, left_padded, over_catalogue
from client.data.sequences import Sequences


def sequences(*lists: list[int]) -> Sequences:
    offsets = np.cumsum([0, *(len(one) for one in lists)])
    return Sequences(offsets=offsets, items=np.concatenate(lists).astype(np.int32))


@pytest.fixture
def course(tmp_path) -> Course:
    held = sequences([0, 1], [2, 3, 4], [5, 0])
    arrays = {"targets": np.array([2, 5, 1], np.int32), "asked": np.array([0, 2]), "n_items": np.array(6)}
    np.savez(tmp_path / "course.npz", offsets=held.offsets, items=held.items, **arrays)
    return Course.read(tmp_path / "course.npz")


def test_asks_the_chosen_users_for_the_item_after_their_training_events(course: Course) -> None:
    assert course.validation.users.tolist() == [0, 2]
    assert course.validation.targets.tolist() == [2, 1]
    assert course.validation.histories.items.tolist() == [0, 1, 5, 0]
    assert course.n_items == 6


def test_ranks_over_the_catalogue_without_seen_items(course: Course) -> None:
    # scores 5 - item: user 0 has seen 0 and 1, so item 2 is first; user 2 has seen 0, so item 1 is first
    scores = torch.arange(5, -1, -1.0).repeat(2, 1)
    assert course.ndcg(lambda histories: scores[: len(histories)]) == 1.0


def test_gives_the_training_events_with_their_place(course: Course) -> None:
    users, items, positions = course.pairs()
    assert users.tolist() == [0, 0, 1, 1, 1, 2, 2]
    assert items.tolist() == [0, 1, 2, 3, 4, 5, 0]
    assert positions.tolist() == [0, 1, 0, 1, 2, 0, 1]


def test_pads_in_front_and_keeps_the_last_items() -> None:
    columns = np.arange(1, 7)
    padded = left_padded(sequences([0, 1], [2, 3, 4, 5]), 3, columns)
    assert padded.tolist() == [[0, 1, 2], [4, 5, 6]]


def test_ranks_what_a_library_does_not_know_last() -> None:
    own = over_catalogue(torch.tensor([[9.0, 1.0, 2.0]]), np.array([2, 0, 1]))
    assert own[0, [0, 2]].tolist() == [2.0, 1.0]
    assert own[0, 1].isnan()


def test_the_watch_counts_training_only_and_ends_the_race(course: Course) -> None:
    entry = Entry(course=course, settings={}, seed=0, budget=1000.0, laps=4, patience=2)
    ticks = iter([0.0, 3.0, 10.0, 14.0, 20.0, 25.0])
    halves = iter([0.0, 1.5, 5.0, 7.0, 10.0, 12.5])
    watch = Stopwatch(entry, (), clocks=(lambda: next(ticks), lambda: next(halves)), out=io.StringIO())
    scores = torch.arange(5, -1, -1.0).repeat(2, 1)
    over = []
    for sign in (1, -1, -1):
        watch.go()
        watch.stop()
        over.append(watch.lap(100, lambda histories, sign=sign: sign * scores[: len(histories)]))
    watch.finish()
    assert over == [False, False, True]
    _start, first, _second, third, end = [json.loads(line) for line in watch.out.getvalue().splitlines()]
    assert (first["wall"], first["processor"], first["targets"], first["ndcg"]) == (3.0, 1.5, 100, 1.0)
    assert (third["wall"], third["processor"], third["targets"]) == (12.0, 6.0, 300)
    assert end["reason"] == "nothing better in 2 laps"
