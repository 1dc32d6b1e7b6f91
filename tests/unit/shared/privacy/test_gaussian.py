"""Noise and ε of the Gaussian mechanism, against other accountants."""

import dp_accounting
import numpy as np
import pytest
from dp_accounting.pld import PLDAccountant

from shared.errors import ConfigError
from shared.privacy.gaussian import epsilon_of, noise_for, noise_of_sum, weight_of
from shared.privacy.promise import Promise

DELTA = 1e-6


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 2.0, 4.0, 8.0])
def test_noise_keeps_the_promise_by_privacy_loss_distributions_too(epsilon) -> None:
    accountant = PLDAccountant(dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE)
    accountant.compose(dp_accounting.GaussianDpEvent(noise_for(epsilon, DELTA)))
    assert accountant.get_epsilon(DELTA) == pytest.approx(epsilon, rel=0.01)


@pytest.mark.parametrize("sigmas", [(1.0,), (2.0, 2.0), (0.9, 3.0, 5.0, 7.0)])
def test_several_releases_compose_as_privacy_loss_distributions_do(sigmas) -> None:
    accountant = PLDAccountant(dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE)
    for sigma in sigmas:
        accountant.compose(dp_accounting.GaussianDpEvent(sigma))
    found = epsilon_of(sum(map(weight_of, sigmas)), DELTA)
    assert found == pytest.approx(accountant.get_epsilon(DELTA), rel=0.01)


def test_a_budget_is_what_one_release_spends_and_nothing_costs_nothing() -> None:
    promise = Promise(epsilon=3.0)
    assert epsilon_of(promise.budget, promise.delta) == pytest.approx(3.0)
    assert epsilon_of(0.0, DELTA) == 0.0
    assert noise_for(8.0, DELTA) == pytest.approx(0.6529, abs=1e-4)


def test_independent_noises_add_up_by_their_squares() -> None:
    rng = np.random.default_rng(0)
    summed = sum(rng.normal(scale=sigma, size=40_000) for sigma in (1.0, 2.0, 2.0))
    assert noise_of_sum([1.0, 2.0, 2.0]) == 3.0
    assert np.std(summed) == pytest.approx(3.0, rel=0.02)


@pytest.mark.parametrize(("epsilon", "delta"), [(0.0, 1e-6), (-1.0, 1e-6), (1e9, 1e-6), (1.0, 0.0), (1.0, 1.0)])
def test_refuses_what_is_no_promise(epsilon, delta) -> None:
    with pytest.raises(ConfigError, match="expected epsilon above 0"):
        noise_for(epsilon, delta)
