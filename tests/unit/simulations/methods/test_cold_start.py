"""Who is ranked for the curves of a cold start, and what is read from the rankings."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from client.data.folder_options import Preparation
from client.data.held_out import Stage
from client.data.platform import Platform, examples
from client.data.preparation import prepare
from client.data.sequences import take
from client.data.source import read_folder
from client.ensemble.fitting import fit_stacks, rank_all
from client.evaluation.ranking import Ranking, ndcg_of
from simulations.methods.cold_start import LENGTHS, MAX_SHORTENED, HeldOut, beginnings
from tests.integration.tiny_folders import write_tiny_folder
from tests.unit.client.recommender.world import LENGTH, N_ITEMS, N_USERS, prepared, small_platform


def ranked(ranks: list[float]) -> Ranking:
    return Ranking(
        users=np.arange(len(ranks)),
        ranks=np.array(ranks),
        recommended=np.zeros((len(ranks), 2), np.int32),
    )


def with_two_training_events(platform: Platform) -> Platform:
    """The platform in which every user but the first has four events, and the first seven."""
    lengths = np.full(N_USERS, 4)
    lengths[0] = LENGTH
    return dataclasses.replace(platform, sequences=take(platform.sequences, np.arange(N_USERS), lengths), split=None)


def test_ranks_all_test_events_then_the_long_histories_again_with_their_last_events() -> None:
    held_out = HeldOut.of(with_two_training_events(small_platform()), seed=0)
    assert held_out.shortened.tolist() == [0]
    assert len(held_out.everything) == N_USERS + len(LENGTHS)
    assert held_out.everything.histories.lengths()[N_USERS:].tolist() == [1, 2, 3]
    assert held_out.everything.targets[N_USERS:].tolist() == [held_out.tests.targets[0]] * 3
    whole = held_out.tests.histories.items[: LENGTH - 1]
    assert held_out.everything.histories.items[-3:].tolist() == whole[-3:].tolist()


def test_reads_the_curve_of_the_same_users_and_leaves_the_test_users_as_they_are() -> None:
    held_out = HeldOut.of(with_two_training_events(small_platform()), seed=0)
    ranking = ranked([1.0] * N_USERS + [4.0, 3.0, 2.0])
    assert ranking.part(np.arange(len(held_out.tests))).ranks.tolist() == [1.0] * N_USERS
    found = held_out.cold_start_of(ranking).by_history
    assert {length: ndcg.tolist() for length, ndcg in found.items()} == {
        "1": [ndcg_of(np.array(4.0))],
        "2": [ndcg_of(np.array(3.0))],
        "3": [ndcg_of(np.array(2.0))],
        "whole": [1.0],
    }


def test_says_nothing_of_new_users_where_only_test_events_were_ranked() -> None:
    held_out = HeldOut.of(small_platform(), seed=0)
    assert held_out.cold_start_of(ranked([1.0] * N_USERS)).by_history == {}


def test_counts_the_training_events_of_each_target() -> None:
    platform = small_platform()
    few = dataclasses.replace(platform, training_users=np.array([0, 1]), calibration_users=np.array([0]))
    met = [int(item) for user in (0, 1) for item in platform.sequences.items.reshape(N_USERS, LENGTH)[user, :-2]]
    expected = [met.count(target) for target in platform.sequences.items.reshape(N_USERS, LENGTH)[:, -1]]
    assert HeldOut.of(few, seed=0).target_events.tolist() == expected
    assert max(expected) > 0


def test_shortens_the_same_users_whoever_is_trained_on_and_no_more_than_the_limit() -> None:
    platform = small_platform()
    few = dataclasses.replace(platform, name="few", training_users=np.arange(10), calibration_users=np.arange(2))
    assert np.array_equal(HeldOut.of(platform, seed=0).shortened, HeldOut.of(few, seed=0).shortened)
    assert len(HeldOut.of(platform, seed=0).shortened) == min(N_USERS, MAX_SHORTENED)


def test_begins_with_few_users_of_whom_more_and_more_are_trained_on() -> None:
    one = prepared(small_platform())
    parts = list(beginnings(one, seed=0))
    assert [part.platform.name for part in parts] == ["small@10", "small@30", "small@100"]
    training = [set(part.platform.training_users.tolist()) for part in parts]
    assert [len(users) for users in training] == [10, 30, 100]
    assert training[0] < training[1] < training[2]
    assert all(part.platform.user_ids == one.platform.user_ids for part in parts)
    assert [len(part.platform.calibration_users) for part in parts] == [2, 6, 20]


def test_is_what_the_platform_option_prepares(tmp_path: Path) -> None:
    folder = read_folder(write_tiny_folder(tmp_path / "tiny"))
    whole = prepare(folder, Preparation(), name="shop", seed=3)
    asked = prepare(folder, Preparation(train_users=10), name="shop@10", seed=3)
    part = next(beginnings(prepared(whole), seed=3)).platform
    assert np.array_equal(part.training_users, asked.training_users)
    assert np.array_equal(part.calibration_users, asked.calibration_users)


def test_has_no_beginning_where_nobody_has_an_event_to_learn_weights_from() -> None:
    platform = small_platform()
    short = take(platform.sequences, np.arange(N_USERS), np.full(N_USERS, 3))
    assert list(beginnings(prepared(dataclasses.replace(platform, sequences=short)), seed=0)) == []


def test_ten_users_are_enough_for_a_stack_above_chance() -> None:
    one = next(beginnings(prepared(small_platform()), seed=0))
    stacks = fit_stacks(one, {}, {"local": [[]]}, seed=0)
    held_out = examples(one.platform, Stage.TEST, np.arange(N_USERS))
    ranking = rank_all(stacks.ensemble, stacks.chosen["local"].weights[None], held_out)[0]
    # six of forty items are seen, so a random list has the target at each of 34 ranks alike
    chance = float(ndcg_of(np.arange(1.0, N_ITEMS - LENGTH + 2)).mean())
    assert ranking.ndcg.mean() > 1.5 * chance


@pytest.mark.parametrize("seed", [0, 1])
def test_draws_by_the_seed(seed: int) -> None:
    first, again = (HeldOut.of(with_room(small_platform()), seed) for _ in range(2))
    other = HeldOut.of(with_room(small_platform()), seed + 5)
    assert np.array_equal(first.shortened, again.shortened)
    assert not np.array_equal(first.shortened, other.shortened)


def with_room(platform: Platform) -> Platform:
    """Four times the users, so that not all can be shortened."""
    items = np.tile(platform.sequences.items, 4)
    sequences = dataclasses.replace(
        platform.sequences, offsets=np.arange(4 * N_USERS + 1) * LENGTH, items=items.astype(np.int32)
    )
    return dataclasses.replace(
        platform,
        user_ids=tuple(map(str, range(4 * N_USERS))),
        user_numbers=np.arange(4 * N_USERS),
        sequences=sequences,
        name="large",
        split=None,
    )
