import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.peers.course import in_windows, known_alone
from benchmarks.peers.time_answer import Peer, answer, counts_of, items_of, over_grid, with_unknown
from benchmarks.peers.time_course import TimeCourse
from benchmarks.peers.window_popularity import PEER, counts_in_window, fit
from client.data.event_log import EventLog
from client.data.held_out import after_cuts
from client.data.platform import Platform
from client.data.sequences import Sequences, events_before

ITEMS = 5
FIRST_CUT, SECOND_CUT = 100.0, 200.0


def platform(*, cut: bool = True) -> Platform:
    """Three users: one before both cuts, one whose events go through both, one who comes after the first."""
    times = np.array([10.0, 20.0, 30.0, 40.0, 150.0, 250.0, 260.0, 120.0, 210.0])
    items = np.array([0, 1, 0, 2, 3, 1, 4, 3, 4], np.int32)
    sequences = Sequences(offsets=np.array([0, 2, 7, 9]), items=items, times=times)
    return Platform(
        name="made-up",
        item_ids=tuple("abcde"),
        texts=tuple("abcde"),
        categories=None,
        vectors=None,
        user_ids=("u", "v", "w"),
        user_numbers=np.arange(3),
        sequences=sequences,
        training_users=np.arange(3),
        calibration_users=np.arange(0),
        ordered=True,
        repeats=False,
        split=after_cuts(sequences, 0.0, FIRST_CUT, SECOND_CUT) if cut else None,
    )


@pytest.fixture
def course() -> TimeCourse:
    return TimeCourse.of(platform(), seed=0)


def lists(sequences: Sequences) -> list[list[int]]:
    return [one.tolist() for one in np.split(sequences.items, sequences.offsets[1:-1])]


def test_tunes_on_events_before_the_first_cut_and_fits_on_those_before_the_second(course: TimeCourse) -> None:
    assert lists(course.training) == [[0, 1], [0, 2], []]
    assert lists(course.known) == [[0, 1], [0, 2, 3], [3]]


def test_asks_with_the_history_up_to_the_basket(course: TimeCourse) -> None:
    assert course.validation.users.tolist() == [1]
    assert course.tests.users.tolist() == [1, 1, 2]
    assert lists(course.tests.histories) == [[0, 2, 3], [0, 2, 3, 1], [3]]
    assert course.tests.histories.moments.tolist() == [250.0, 260.0, 210.0]


def test_needs_a_split_in_time() -> None:
    with pytest.raises(ValueError, match="time split"):
        TimeCourse.of(platform(cut=False), seed=0)


def test_an_event_without_a_known_time_comes_before_the_cut() -> None:
    sequences = Sequences(offsets=np.array([0, 3]), items=np.zeros(3, np.int32), times=np.array([math.nan, 5.0, 9.0]))
    assert events_before(sequences, 9.0).tolist() == [2]


def test_a_file_holds_all_of_it(course: TimeCourse, tmp_path: Path) -> None:
    course.write(tmp_path / "course.npz")
    read = TimeCourse.read(tmp_path / "course.npz")
    assert (read.cut, read.n_items, read.repeats) == (SECOND_CUT, ITEMS, False)
    assert read.log.times.tolist() == course.log.times.tolist()
    for one, other in ((read.training, course.training), (read.known, course.known)):
        assert lists(one) == lists(other)
    for asked, given in ((read.tests, course.tests), (read.validation, course.validation)):
        assert lists(asked.histories) == lists(given.histories)
        assert lists(asked.relevant) == lists(given.relevant)
        assert asked.histories.moments.tolist() == given.histories.moments.tolist()
        assert asked.targets.tolist() == given.targets.tolist()


def test_a_user_counts_once_however_many_baskets_he_has(course: TimeCourse) -> None:
    # scores 4 for item 4 ... 0 for item 0: user v's first basket (1) has only 4 before it, their second (4) is first;
    # user w's (4) is first
    score = torch.arange(5.0)
    found = course.live(lambda histories: score.repeat(len(histories), 1))
    assert found.tolist() == pytest.approx([(1 / math.log2(3) + 1) / 2, 1.0])


def test_seen_items_stay_where_users_meet_an_item_again(course: TimeCourse) -> None:
    score = torch.arange(5.0)
    kept = replace(course, repeats=True)
    # user v's first basket is 1, after 4, 3 and 2
    found = kept.live(lambda histories: score.repeat(len(histories), 1))
    assert found.tolist() == pytest.approx([(1 / math.log2(5) + 1) / 2, 1.0])


def test_an_item_that_a_peer_does_not_know_is_last(course: TimeCourse) -> None:
    score = torch.tensor([0.0, 1.0, 2.0, 3.0, math.nan])
    found = course.live(lambda histories: score.repeat(len(histories), 1))
    assert found.tolist() == pytest.approx([1.0 / 2 + 1 / math.log2(6) / 2, 1 / math.log2(6)])


def test_popularity_counts_what_came_in_the_window_before_the_moment() -> None:
    log = EventLog(times=np.array([1.0, 4.0, 5.0, 9.0]), items=np.array([0, 1, 1, 2], np.int32))
    found = counts_in_window(log, np.array([9.0, 5.0, 20.0]), 5.0, 3)
    assert found.tolist() == [[0, 2, 0], [1, 1, 0], [0, 0, 0]]
    assert counts_in_window(log, np.array([20.0]), math.inf, 3).tolist() == [[1, 2, 1]]


def test_popularity_frozen_at_the_cut_knows_nothing_later(course: TimeCourse) -> None:
    score = fit(course, course.known, {"window": math.inf}, 0)
    changed = replace(
        course, log=EventLog(times=course.log.times, items=np.where(course.log.times < SECOND_CUT, course.log.items, 0))
    )
    other = fit(changed, course.known, {"window": math.inf}, 0)
    assert course.frozen(score).tolist() == changed.frozen(other).tolist()
    assert course.live(score).tolist() != changed.live(other).tolist()


def test_the_best_on_validation_is_fitted_on_what_is_known_before_the_second_cut(course: TimeCourse) -> None:
    asked = []

    def constant(_course: TimeCourse, events: Sequences, settings: dict[str, int], _seed: int):
        asked.append((lists(events), settings["item"]))
        score = torch.nn.functional.one_hot(torch.tensor(settings["item"]), ITEMS).float()
        return lambda histories: score.repeat(len(histories), 1)

    tune = over_grid(constant, lambda _course: [{"item": item} for item in range(ITEMS)])
    said = answer(Peer(fit=constant, tune=tune), course, seed=0, budget=60)
    assert said["settings"] == {"item": 3}  # the one validation basket
    assert (said["validation"], len(said["tried"])) == (1.0, ITEMS)
    assert [events for events, _ in asked] == [[[0, 1], [0, 2], []]] * ITEMS + [[[0, 1], [0, 2, 3], [3]]]
    assert len(said["live"]) == len(said["frozen"]) == 2


def test_no_setting_is_tried_once_the_budget_is_over(course: TimeCourse) -> None:
    assert len(PEER.tune(course, 0, -1.0)) == 1
    assert len(PEER.tune(course, 0, 60.0)) == 11


def test_a_history_can_be_cut_to_known_items() -> None:
    histories = Sequences(offsets=np.array([0, 2, 3]), items=np.array([0, 2, 2], np.int32))
    assert lists(known_alone(histories, np.array([True, True, False]))) == [[0], []]


def test_windows_predict_each_item_once() -> None:
    whole = Sequences(offsets=np.array([0, 7, 8, 11]), items=np.arange(11, dtype=np.int32))
    # of seven events with windows of 3 + 1: the last four, then those up to the first of them
    assert lists(in_windows(whole, 3)) == [[3, 4, 5, 6], [0, 1, 2, 3], [8, 9, 10]]


def test_counts_events_of_each_list() -> None:
    given = Sequences(offsets=np.array([0, 3, 3]), items=np.array([2, 0, 2], np.int32))
    assert counts_of(given, 3, once=False).toarray().tolist() == [[1, 0, 2], [0, 0, 0]]
    assert counts_of(given, 3, once=True).toarray().tolist() == [[1, 0, 1], [0, 0, 0]]


def test_scores_of_items_without_an_event_are_no_number() -> None:
    known = items_of(Sequences(offsets=np.array([0, 2]), items=np.array([0, 2], np.int32)), 3)
    found = with_unknown(torch.ones(1, 3), known)
    assert found.isnan().tolist() == [[False, True, False]]
