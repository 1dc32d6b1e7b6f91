"""Which events of a user are predicted, at which stage, and which may be trained on: by event, by basket, by time."""

import numpy as np
import pytest

from client.data import held_out
from client.data.held_out import (
    LEAST_WEIGHING,
    HeldOut,
    Stage,
    Targets,
    after_cuts,
    baskets,
    concatenated,
    last_baskets,
    last_events,
)
from client.data.ragged import offsets_of
from client.data.sequences import Sequences, user_blocks
from client.data.splitting import draws

NEVER = float("nan")
"""Of an event whose time is not known."""


def users(*times: list[float]) -> Sequences:
    """Users whose events have these times; every event is on an item of its own."""
    flat = np.concatenate([np.array(one, np.float64) for one in times])
    lengths = np.array([len(one) for one in times])
    return Sequences(offsets=offsets_of(lengths), items=np.arange(len(flat), dtype=np.int32), times=flat)


def told(targets: Targets) -> list[tuple[int, int, int]]:
    """User, first and one behind the last event of each target."""
    return list(zip(*(one.tolist() for one in (targets.users, targets.starts, targets.stops)), strict=True))


def by_stage(found: HeldOut) -> dict[str, list[tuple[int, int, int]]]:
    return {str(stage): told(found.targets[stage]) for stage in Stage}


def test_events_of_one_time_are_one_basket_and_those_of_two_users_never() -> None:
    found = baskets(users([1, 2, 2, 2, 3], [3, 3, 4]), within=0)
    assert told(found.targets) == [(0, 0, 1), (0, 1, 4), (0, 4, 5), (1, 0, 2), (1, 2, 3)]
    assert found.times.tolist() == [1, 2, 3, 3, 4]


def test_an_event_joins_the_basket_of_the_one_before_it_even_where_that_began_longer_ago() -> None:
    found = baskets(users([0, 60, 120, 180, 240.5]), within=60)
    assert told(found.targets) == [(0, 0, 4), (0, 4, 5)]
    assert told(baskets(users([0, 60, 120]), within=59.9).targets) == [(0, 0, 1), (0, 1, 2), (0, 2, 3)]


@pytest.mark.parametrize("within", [0.0, 1e9])
def test_an_event_without_a_time_is_a_basket_of_its_own_that_nobody_predicts(within: float) -> None:
    found = baskets(users([NEVER, NEVER, 5, 5], [7, 7], [NEVER]), within=within)
    assert told(found.targets) == [(0, 0, 1), (0, 1, 2), (0, 2, 4), (1, 0, 2), (2, 0, 1)]
    # of the first user, events come before their basket at 5; nothing comes before the second user's
    assert found.predictable.tolist() == [False, False, True, False, False]


def test_by_position_the_last_three_events_are_for_the_test_validation_and_training() -> None:
    found = last_events(users([0, 1, 2, 3, 4], [0, 1, 2], [0, 1]))
    assert by_stage(found) == {
        "test": [(0, 4, 5), (1, 2, 3), (2, 1, 2)],
        "validation": [(0, 3, 4), (1, 1, 2)],
        "train": [(0, 2, 3)],
    }
    assert found.training.tolist() == found.known.tolist() == [3, 1, 0]


def test_by_basket_the_last_three_baskets_are_for_the_test_validation_and_training() -> None:
    many = [0, 1, 1, 2, 3, 3, 4]  # five baskets, of which the first has nothing before it
    found = last_baskets(users(many, [NEVER, 1, 2, 2, 3]), 0, np.zeros(2))
    assert by_stage(found) == {
        "test": [(0, 6, 7), (1, 4, 5)],
        "validation": [(0, 4, 6), (1, 2, 4)],
        "train": [(0, 3, 4), (1, 1, 2)],
    }
    assert found.training.tolist() == found.known.tolist() == [4, 2]


def test_by_basket_the_last_of_two_is_for_the_test_and_the_other_validates() -> None:
    found = last_baskets(users([0, 1, 2]), 0, np.ones(1))
    assert by_stage(found) == {"test": [(0, 2, 3)], "validation": [(0, 1, 2)], "train": []}
    assert found.training.tolist() == [1]


def test_who_has_one_basket_tests_validates_or_trains_as_drawn() -> None:
    one = [NEVER, NEVER, 5, 5]
    found = last_baskets(users(one, one, one, one), 0, np.array([0.49, 0.5, 0.74, 0.75]))
    assert {stage: [user for user, _, _ in rows] for stage, rows in by_stage(found).items()} == {
        "test": [0],
        "validation": [1, 2],
        "train": [3],
    }
    # a user's only basket is trained on where it is for training alone
    assert found.training.tolist() == found.known.tolist() == [2, 2, 2, 4]


def test_whoever_has_one_basket_is_drawn_in_halves_and_quarters_by_their_id_alone() -> None:
    ids = [f"reader-{number}" for number in range(4_000)]
    drawn = draws(ids, 7, "only-basket")
    shares = [np.mean(drawn < 0.5), np.mean((drawn >= 0.5) & (drawn < 0.75)), np.mean(drawn >= 0.75)]
    # three standard errors of a share of a half of 4,000 are .024
    assert shares == pytest.approx([0.5, 0.25, 0.25], abs=0.024)
    few = [3, 1_000, 17]
    assert draws([ids[row] for row in few], 7, "only-basket").tolist() == drawn[few].tolist()
    assert draws(ids[:50], 8, "only-basket").tolist() != drawn[:50].tolist()


@pytest.mark.parametrize("events", [1, 4, 11, 1000])
def test_baskets_are_the_same_however_many_users_are_looked_at_together(
    events: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    sequences = users(*(np.sort(rng.integers(12, size=size)).tolist() for size in [0, 3, 14, 1, 5, 0, 9, 2, 0]))
    drawn = rng.random(len(sequences))
    whole = last_baskets(sequences, 0, drawn)
    monkeypatch.setattr(held_out, "BASKET_EVENTS", events)
    assert events == 1000 or len(list(user_blocks(sequences, events))) > 1
    found = last_baskets(sequences, 0, drawn)
    assert by_stage(found) == by_stage(whole)
    assert told(found.earlier) == told(whole.earlier) != []
    assert found.training.tolist() == whole.training.tolist()


def test_nobody_is_held_out_where_nobody_is() -> None:
    found = last_baskets(users([]), 0, np.zeros(1))
    assert by_stage(found) == by_stage(last_baskets(Sequences.none(), 0, np.zeros(0)))
    assert by_stage(found) == {"train": [], "validation": [], "test": []}


def test_nobody_is_predicted_who_has_no_event_with_a_time_after_another_event() -> None:
    found = last_baskets(users([NEVER, NEVER, NEVER], [4, 4, 4]), 0, np.zeros(2))
    assert by_stage(found) == {"test": [], "validation": [], "train": []}
    assert found.training.tolist() == [3, 3]


def test_after_a_cut_everything_is_predicted_and_nothing_is_trained_on() -> None:
    found = after_cuts(users([1, 2, 10, 11, 20, 21, 21], [12, 13], [1, 2, 3], [20, 22]), 0, 10, 20)
    assert by_stage(found) == {
        "train": [(0, 1, 2), (2, 2, 3)],
        "validation": [(0, 2, 3), (0, 3, 4), (1, 1, 2)],
        "test": [(0, 4, 5), (0, 5, 7), (3, 1, 2)],
    }
    assert found.training.tolist() == [2, 0, 3, 0]
    assert found.known.tolist() == [7, 2, 3, 2]


def test_what_is_counted_ends_where_the_stretch_begins_that_it_is_used_in() -> None:
    found = after_cuts(users([0, 50, 70, 85, 90, 95, 105], [0, 82, 88, 99], [NEVER, 100]), 0, 90, 100)
    # validation lasts 10; as nobody here makes 300, weights are told from the latter half of what comes before it, 45
    assert by_stage(found)["train"] == [(0, 3, 4), (1, 2, 3)]
    assert told(found.earlier) == [(0, 1, 2), (0, 2, 3), (1, 1, 2)]
    assert {stage: found.countable(stage).tolist() for stage in Stage} == {
        Stage.TRAIN: [1, 1, 1],
        Stage.VALIDATION: [4, 3, 1],
        Stage.TEST: [6, 4, 1],
    }


def test_weights_are_told_from_a_stretch_as_long_as_validation_where_enough_users_are_in_it() -> None:
    many = [[float(at % 50), 60.0, float(85 if at < LEAST_WEIGHING else 75), 95.0] for at in range(LEAST_WEIGHING + 5)]
    enough = after_cuts(users([-1e3], *many), 0, 90, 100)
    assert told(enough.targets[Stage.TRAIN]) == [(1 + row, 2, 3) for row in range(LEAST_WEIGHING)]
    one_less = after_cuts(users([-1e3], *many[1:]), 0, 90, 100)
    assert len(told(one_less.targets[Stage.TRAIN])) == len(many) - 1


def test_where_nobody_is_predicted_in_the_latter_half_weights_are_told_by_all_that_comes_before_validation() -> None:
    found = after_cuts(users([0, 10], [0, 20, 95]), 0, 90, 100)
    assert by_stage(found)["train"] == [(0, 1, 2), (1, 1, 2)]
    assert found.countable(Stage.TRAIN).tolist() == found.training.tolist() == [2, 2]


def test_no_stage_counts_what_may_not_be_trained_on_at_all() -> None:
    found = after_cuts(users([0, 50, 70, 85, 95, 105]), 0, 90, 100).up_to(np.array([3]))
    assert found.training.tolist() == [3]
    assert [found.countable(stage).tolist() for stage in Stage] == [[1], [3], [3]]


def test_events_without_a_time_lie_before_every_cut() -> None:
    found = after_cuts(users([NEVER, NEVER, 10, 20], [NEVER, NEVER]), 0, 5, 15)
    assert by_stage(found) == {"train": [], "validation": [(0, 2, 3)], "test": [(0, 3, 4)]}
    assert found.training.tolist() == [2, 2]


def test_of_a_basket_that_a_cut_goes_through_what_comes_before_it_is_predicted_and_the_rest_nowhere() -> None:
    sequences = users([1, 9.5, 10, 10.5], [1, 19.5, 20], [1, 9.5, 10])
    found = after_cuts(sequences, 1, 10, 20)
    assert by_stage(found) == {"train": [(0, 1, 2), (2, 1, 2)], "validation": [(1, 1, 2)], "test": []}
    assert found.training.tolist() == [2, 1, 2]


def test_no_event_after_a_cut_is_trained_on_whatever_the_times_and_the_baskets() -> None:
    rng = np.random.default_rng(5)
    for _ in range(100):
        times = [np.sort(rng.integers(0, 30, rng.integers(3, 9))).astype(float) for _ in range(5)]
        for one in times:
            one[: rng.integers(0, 3)] = NEVER
        sequences, first, second = users(*times), 10.0, 20.0
        found = after_cuts(sequences, float(rng.integers(0, 4)), first, second)
        for user, one in enumerate(times):
            trained, later = np.split(one, [found.training[user]])
            assert not (trained >= first).any()
            assert (later >= first).all()
        ends = {Stage.TRAIN: (-np.inf, first), Stage.VALIDATION: (first, second), Stage.TEST: (second, np.inf)}
        for stage, (since, until) in ends.items():
            for user, start, stop in told(found.targets[stage]):
                predicted, before = times[user][start:stop], times[user][:start]
                assert len(predicted)
                assert len(before)
                assert ((predicted >= since) & (predicted < until)).all()
                assert not (before >= predicted[0]).any()


def test_users_of_several_platforms_stand_one_after_the_other() -> None:
    first, second = last_events(users([0, 1, 2, 3])), last_baskets(users([0, 1, 1], [0, 1, 2]), 0, np.zeros(2))
    found = concatenated([first, second])
    assert by_stage(found) == {
        "test": [(0, 3, 4), (1, 1, 3), (2, 2, 3)],
        "validation": [(0, 2, 3), (2, 1, 2)],
        "train": [(0, 1, 2)],
    }
    assert found.training.tolist() == [2, 1, 1]


def test_two_baskets_before_the_one_for_training_tell_of_weights_too() -> None:
    found = last_baskets(users([0, 1, 2, 2, 3, 4, 5, 6, 7], [0, 1, 2, 3], [0, 1, 2, 3, 4]), 0, np.zeros(3))
    # predictable are all but each user's first: of the first user 1, (2, 2), 3, 4, 5, 6, 7; the last three are taken
    assert told(found.earlier) == [(0, 4, 5), (0, 5, 6), (2, 1, 2)]
    cut = after_cuts(users([0, 1, 2, 3, 4, 20, 30], [0, 1], [0, 15]), 0, 10, 25)
    assert told(cut.targets[Stage.TRAIN]) == [(0, 4, 5), (1, 1, 2)]
    assert told(cut.earlier) == [(0, 2, 3), (0, 3, 4)]
    assert told(concatenated([cut, found]).earlier) == [*told(cut.earlier), (3, 4, 5), (3, 5, 6), (5, 1, 2)]


def test_by_position_no_earlier_event_tells_of_weights() -> None:
    assert told(last_events(users([0, 1, 2, 3, 4, 5, 6])).earlier) == []


def test_whoever_has_one_basket_has_none_before_it() -> None:
    assert told(last_baskets(users([0, 1]), 0, np.ones(1)).earlier) == []
