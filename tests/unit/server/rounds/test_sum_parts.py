"""What is read of a group's sum, and what no honest platforms give."""

import numpy as np
import pytest

from server.rounds.sum_parts import GroupSum, mean_update, moments_of, validation_of
from shared.errors import ReplyRejected
from shared.federation.pair_buckets import BUCKETS, bucket_of, middle_of
from shared.federation.validation_levels import level_of
from tests.unit.client.training.world import SPEC

MEMBERS = ("a", "b")
WEIGHTS = {"a": 1.0, "b": 0.5, "absent": 0.25}
DIM = 2


def group(unit: float = 128.0, **parts) -> GroupSum:
    return GroupSum(
        members=MEMBERS,
        weights=WEIGHTS,
        unit=unit,
        parts={part: np.array(numbers, np.float64) for part, numbers in parts.items()},
    )


def test_a_mean_is_over_those_whose_vectors_are_in_the_sum() -> None:
    size = SPEC.layout().size - SPEC.sequence_place.start
    found = mean_update(group(train=np.full(size, 3.0)), SPEC)
    assert not found[: SPEC.sequence_place.start].any()
    assert found[SPEC.sequence_place] == pytest.approx(2.0)
    assert group().size == 1.5 * 128


def test_an_encoder_is_worth_the_geometric_mean_of_what_is_told() -> None:
    levels = [level_of(0.4), 0.0, level_of(0.4) + level_of(0.1)]
    assert validation_of(group(evaluate=[*levels, 1, 0, 2])) == {"linear": 0.4, "both": 0.2}


@pytest.mark.parametrize(
    "numbers",
    [[1.5, 0, 0, 1, 0, 0], [-0.5, 0, 0, 1, 0, 0], [0.5, 0, 0, 3, 0, 0], [0.5, 0, 0, 0, 0, 0], [2.0, 0, 0, -1, 0, 0]],
    ids=["more than all", "less than none", "more than there are", "untold", "fewer than none"],
)
def test_refuses_what_no_evaluations_add_up_to(numbers) -> None:
    with pytest.raises(ReplyRejected, match="the sum of evaluations is not one"):
        validation_of(group(evaluate=numbers))


def vectors(count: int = 40) -> np.ndarray:
    found = np.random.default_rng(0).normal(size=(count, 2 * DIM))
    return np.concatenate([one / np.linalg.norm(one, axis=1, keepdims=True) for one in np.split(found, 2, 1)], 1)


def means() -> np.ndarray:
    """As they lie in a vector: A, B, C, means."""
    histories, items = np.split(vectors(), 2, 1)
    upper, count = np.triu_indices(DIM), len(histories)
    squares = [(histories.T @ histories)[upper], (histories.T @ items).reshape(-1), (items.T @ items)[upper]]
    return np.concatenate([*squares, histories.sum(0), items.sum(0)]) / count


def ones(*pairs: float) -> np.ndarray:
    found = np.zeros(BUCKETS)
    for one in pairs:
        found[bucket_of(one)] += 1
    return found


def test_a_groups_moments_are_those_of_a_platform_of_its_size() -> None:
    found, sizes, wrong = moments_of({"g": group(moments=[*(1.5 * means()), *ones(128 * 10, 128 * 20)])}, DIM)
    pairs = (middle_of(bucket_of(10)) + middle_of(bucket_of(20))) / 2
    assert (wrong, sizes.users) == ({}, {"g": 192.0})
    assert found["g"].n == pytest.approx(pairs * 192)
    assert found["g"].to_flat()[:-1] / found["g"].n == pytest.approx(means())


def test_pairs_of_a_user_are_the_median_over_the_platforms_of_all_groups() -> None:
    one = group(moments=[*(1.5 * means()), *ones(128 * 10, 128 * 1000)])
    other = group(unit=32.0, moments=[*(1.5 * means()), *ones(32 * 10, 32 * 10)])
    found, _sizes, _wrong = moments_of({"one": one, "other": other}, DIM)
    assert found["one"].n == pytest.approx(middle_of(bucket_of(10)) * 192)
    assert found["other"].n == pytest.approx(middle_of(bucket_of(10)) * 48)


@pytest.mark.parametrize(
    ("numbers", "told", "words"),
    [
        (3 * means(), ones(10, 20), "larger than sums over so many vectors of length 1 can be"),
        (1.5 * means(), ones(10), "the numbers of pairs are not one of each platform"),
        (1.5 * means(), ones(10, 20, 30), "the numbers of pairs are not one of each platform"),
        (1.5 * means(), ones(10, 20, 30) - ones(40), "the numbers of pairs are not one of each platform"),
    ],
    ids=["long", "few", "many", "fewer than none"],
)
def test_a_group_whose_moments_no_platforms_have_has_none(numbers, told, words) -> None:
    good = group(moments=[*(1.5 * means()), *ones(1280, 1280)])
    found, sizes, wrong = moments_of({"bad": group(moments=[*numbers, *told]), "good": good}, DIM)
    assert words in wrong["bad"]
    assert (set(found), set(sizes.users)) == ({"good"}, {"good"})
