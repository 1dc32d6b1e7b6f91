"""ε of the Gaussian mechanism against Opacus' accountants, which share no code with dp-accounting."""

import pytest

from shared.privacy.gaussian import epsilon_of, noise_for, weight_of
from shared.privacy.promise import Promise

accountants = pytest.importorskip("opacus.accountants", reason="opacus comes with the extra dev")
DELTA = 1e-6
EVERYBODY = 1.0
"""share of the users in each release"""
pytestmark = pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")  # PRV takes log(1 - share)


def by(kind: str, sigmas: tuple[float, ...], **options: float) -> float:
    """ε of these releases together, by one of Opacus' accountants."""
    accountant = getattr(accountants, kind)()
    for sigma in sigmas:
        accountant.step(noise_multiplier=sigma, sample_rate=EVERYBODY)
    return float(accountant.get_epsilon(DELTA, **options))


def by_prv(*sigmas: float) -> float:
    """By the accountant that is exact but for an error that is asked for (Gopi, Lee and Wutschitz 2021)."""
    return by("PRVAccountant", sigmas, eps_error=0.001)


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 2.0, 4.0, 8.0])
def test_one_release_costs_what_prv_says(epsilon) -> None:
    assert by_prv(noise_for(epsilon, DELTA)) == pytest.approx(epsilon, rel=0.01)


@pytest.mark.parametrize("sigmas", [(1.0,), (2.0, 2.0), (0.9, 3.0, 5.0, 7.0)])
def test_several_releases_compose_as_prv_says_and_below_what_rdp_allows(sigmas) -> None:
    found = epsilon_of(sum(map(weight_of, sigmas)), DELTA)
    assert by_prv(*sigmas) == pytest.approx(found, rel=0.01)
    assert found <= by("RDPAccountant", sigmas) <= 1.2 * found


def test_two_halves_of_a_promise_are_the_whole() -> None:
    promise = Promise(epsilon=8.0, delta=DELTA)
    assert by_prv(*(promise.noise * 2**0.5,) * 2) == pytest.approx(8.0, rel=0.01)
