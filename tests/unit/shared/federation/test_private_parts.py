"""What users give to an evaluation in a sum: no more than their share of the promise; what the sum tells of it."""

import numpy as np
import pytest

from shared.federation.config import EVALUATIONS
from shared.federation.private_parts import SummedEvaluation, evaluation_numbers


def test_nobody_moves_an_evaluation_by_more_than_what_two_of_them_may_spend() -> None:
    for others in (np.zeros(0), np.linspace(0, 1, 5)):
        moved = [
            float(np.linalg.norm(evaluation_numbers(np.append(others, value)) - evaluation_numbers(others)))
            for value in (0.0, 0.5, 1.0)
        ]
        assert max(moved) == moved[-1] == pytest.approx(EVALUATIONS**-0.5)


def test_the_sum_tells_the_mean_and_how_many_users_there_are() -> None:
    some, others = np.array([0.0, 0.5, 1.0]), np.array([0.25])
    found = SummedEvaluation.read(evaluation_numbers(some) + evaluation_numbers(others), noise=0.0)
    assert (found.mean, found.users, found.spread) == (pytest.approx(1.75 / 4), pytest.approx(4), 0.0)


def test_the_mean_bears_the_noise_that_is_said() -> None:
    rng, values, noise = np.random.default_rng(0), np.full(2_000, 0.04), 0.7
    numbers = evaluation_numbers(values)
    read = [SummedEvaluation.read(numbers + noise * rng.standard_normal(2), noise) for _ in range(2_000)]
    assert np.std([one.mean for one in read]) == pytest.approx(read[0].spread, rel=0.1)
    assert np.mean([one.mean for one in read]) == pytest.approx(0.04, abs=3 * read[0].spread / 2_000**0.5)


def test_where_noise_alone_is_read_the_mean_stays_one() -> None:
    found = SummedEvaluation.read(np.array([-3.0, -2.0]), noise=1.0)
    assert (found.mean, found.users) == (0.0, 1.0)
