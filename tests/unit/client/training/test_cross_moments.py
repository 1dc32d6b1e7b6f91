"""The cross moment: each user gives length 1, platforms add up, and a map of it foretells next items."""

import itertools

import numpy as np
import pytest

from client.data.sequences import select
from client.training import cross_moments
from client.training.cross_moments import cross_moment
from client.training.moments import platform_moments
from shared.encoder.cross import CatalogueMoments, map_on, released_cross, to_square, to_vector, triangle_size
from shared.errors import InputError
from tests.unit.client.training.world import features, ragged, walks

PUBLIC = CatalogueMoments.of(features())


def by_hand(lists) -> np.ndarray:
    """One user after the other, by the definition."""
    total = np.zeros((8, 8))
    for items in lists:
        state, mine = np.zeros(8), np.zeros((8, 8))
        for now, following in itertools.pairwise(items):
            state = 0.6 * state + features()[now]
            query = PUBLIC.whitening @ (state / np.linalg.norm(state) - PUBLIC.mean)
            mine += np.outer(query, PUBLIC.whitening @ (features()[following] - PUBLIC.mean))
        symmetric = (mine + mine.T) / 2
        total += symmetric / np.linalg.norm(symmetric) if len(items) > 1 else 0
    return to_vector(total)


def test_is_the_sum_of_users_matrices_of_length_1(monkeypatch) -> None:
    lists = [[0, 1, 2], [5], [3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [1, 20], []]
    found = cross_moment(features(), ragged(lists), PUBLIC)
    np.testing.assert_allclose(found, by_hand(lists), atol=1e-6)
    monkeypatch.setattr(cross_moments, "ROWS_AT_ONCE", 2)
    np.testing.assert_allclose(cross_moment(features(), ragged(lists), PUBLIC), found, atol=1e-9)


def test_platforms_with_one_noise_for_their_sum_are_as_one_with_all_their_users() -> None:
    everybody = walks(80)
    parts = [select(everybody, np.arange(start, 80, 8)) for start in range(8)]
    summed = sum(cross_moment(features(), part, PUBLIC) for part in parts)
    np.testing.assert_allclose(summed, cross_moment(features(), everybody, PUBLIC), atol=1e-9)


def test_a_user_whose_pairs_cancel_out_moves_the_sum_by_no_more_than_1() -> None:
    vectors = features()
    vectors[1] = -vectors[0]
    public = CatalogueMoments.none(8)
    for items in ([0, 1], [0, 1, 0, 1, 0], [0, 0, 1, 1] * 9):
        assert np.linalg.norm(cross_moment(vectors, ragged([items]), public)) <= 1 + 1e-9


def test_triangle_and_square_are_the_same_matrix() -> None:
    vector = np.random.default_rng(0).normal(size=triangle_size(5))
    square = to_square(vector, 5)
    np.testing.assert_allclose(square, square.T)
    np.testing.assert_allclose(to_vector(square), vector)
    assert np.linalg.norm(square) == pytest.approx(np.linalg.norm(vector))


def test_a_map_of_it_ranks_next_items_as_one_of_exact_moments_does() -> None:
    sequences = walks(600)
    cross = released_cross(cross_moment(features(), sequences, PUBLIC), 0.0, PUBLIC)
    own = platform_moments(features(), walks(60, seed=3))
    for linear in (map_on(cross, features()), map_on(cross, features(), own)):
        scores = linear.scores(features(), features())
        following = np.mean([(scores[row] > scores[row, (row + 1) % 24]).sum() for row in range(24)])
        assert following < 6
    explained = map_on(cross, features(), own).scores(features(), features())
    assert explained.std() > 0


def test_nothing_but_noise_is_no_encoder() -> None:
    noise = np.random.default_rng(0).normal(size=triangle_size(8))
    with pytest.raises(InputError, match="nothing but noise"):
        released_cross(noise * 1e-6, 10.0, PUBLIC)
