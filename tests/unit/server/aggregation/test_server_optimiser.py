"""The server's step: Flower's own strategies on differences."""

import numpy as np
import pytest

from server.aggregation.server_optimiser import ServerOptimiser, Update
from shared.federation.config import RoundsConfig
from simulations.federation.in_process_grid import task_identity

ENCODER = np.array([1.0, 2.0, 3.0], np.float32)


@pytest.fixture(autouse=True)
def _identity():
    with task_identity():
        yield


def update(name: str, *difference: float, weight: float = 1.0) -> Update:
    return Update(name=name, difference=np.array(difference), weight=weight)


def test_fedavg_adds_the_weighted_mean_difference() -> None:
    updates = [update("a", 1, 0, 0, weight=3), update("b", 0, 4, 0, weight=1)]
    found = ServerOptimiser(RoundsConfig(aggregation="fedavg")).step(ENCODER, updates, round_number=1)
    np.testing.assert_array_equal(found, np.array([1.75, 3.0, 3.0], np.float32))
    assert found.dtype == np.float32


def test_fedavgm_carries_momentum_over() -> None:
    optimiser = ServerOptimiser(RoundsConfig(aggregation="fedavgm", server_momentum=0.5, server_learning_rate=0.1))
    first = optimiser.step(ENCODER, [update("a", 1, 1, 1)], round_number=1)
    second = optimiser.step(first, [update("a", 1, 1, 1)], round_number=2)
    np.testing.assert_allclose(first - ENCODER, 0.1, rtol=1e-5)
    np.testing.assert_allclose(second - first, 0.1 * (0.5 * 1 + 1), rtol=1e-5)


def test_fedadam_steps_as_the_paper_says_and_answers_in_float32() -> None:
    config = RoundsConfig(aggregation="fedadam", server_learning_rate=0.01, server_momentum=0.9)
    found = ServerOptimiser(config).step(ENCODER, [update("a", 0.5, -0.5, 0)], round_number=1)
    momentum, second = 0.1 * 0.5, 0.01 * 0.25
    rate = 0.01 * np.sqrt(1 - 0.99**2) / (1 - 0.9**2)
    step = rate * momentum / (np.sqrt(second) + 1e-3)
    np.testing.assert_allclose(found, ENCODER + np.array([step, -step, 0]), rtol=1e-6)
    assert found.dtype == np.float32


@pytest.mark.parametrize("strategy", ["fedavg", "fedavgm", "fedadam"])
def test_gives_the_same_bytes_in_whatever_order_replies_come(strategy) -> None:
    rng = np.random.default_rng(0)
    updates = [update(name, *rng.normal(size=3), weight=rng.random()) for name in "abcdefg"]
    results = {
        ServerOptimiser(RoundsConfig(aggregation=strategy)).step(ENCODER, order, round_number=1).tobytes()
        for order in (updates, updates[::-1], updates[3:] + updates[:3])
    }
    assert len(results) == 1


def test_stays_without_updates() -> None:
    assert ServerOptimiser(RoundsConfig()).step(ENCODER, [], round_number=1) is ENCODER
