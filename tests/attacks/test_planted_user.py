"""An audit: whoever knows all about a planted user tells from a release whether they are in it no better than ε allows.

A lower bound of ε is counted on many releases with and without them (Jagielski, Ullman and Oprea 2020). It lies below
the ε that is claimed; where noise or clipping is broken on purpose, it lies above.
"""

import numpy as np
import pytest
from scipy.stats import beta

import client.training.cross_moments as clipping
from client.privacy.noise import noised
from client.training.cross_moments import cross_moment
from shared.encoder.cross import CatalogueMoments
from shared.privacy.gaussian import noise_for
from shared.privacy.grid import middles
from tests.unit.client.training.world import features, ragged, walks

EPSILON, DELTA = 2.0, 1e-6
TRIES = 60_000
SURE = 0.999
PUBLIC = CatalogueMoments.of(features())
PLANTED = [3, 3, 3, 11, 3, 11, 3]


def told(*, planted: bool) -> np.ndarray:
    """[36] the sum over all users before it bears noise."""
    lists = [list(part) for part in np.split(walks(50).items, walks(50).offsets[1:-1])]
    return cross_moment(features(), ragged([*lists, PLANTED] if planted else lists), PUBLIC)


def audited(sigma: float) -> float:
    """A lower bound of ε, from the best threshold of the best statistic for Gaussian noise."""
    without, with_user = told(planted=False), told(planted=True)
    direction = (with_user - without) / np.linalg.norm(with_user - without)
    draw = np.random.default_rng(7).bytes
    scores = [
        middles(noised(np.broadcast_to(total - without, (TRIES, len(total))), sigma, draw), sigma) @ direction
        for total in (without, with_user)
    ]
    found = 0.0
    for threshold in np.quantile(scores[1], np.linspace(0.02, 0.98, 49)):
        false, true = (int((one > threshold).sum()) for one in scores)
        least = beta.ppf(1 - SURE, true, TRIES - true + 1) if true else 0.0
        most = beta.ppf(SURE, false + 1, TRIES - false)
        if least > DELTA:
            found = max(found, float(np.log((least - DELTA) / most)))
    return found


def test_tells_no_more_than_is_claimed() -> None:
    assert 0.2 < audited(noise_for(EPSILON, DELTA)) < EPSILON


def test_shows_noise_that_is_a_fifth_of_what_it_should_be() -> None:
    assert audited(noise_for(EPSILON, DELTA) / 5) > EPSILON


def test_shows_a_user_who_counts_five_times(monkeypatch) -> None:
    weight = clipping._weight
    monkeypatch.setattr(clipping, "_weight", lambda queries, targets: 5 * weight(queries, targets))
    assert audited(noise_for(EPSILON, DELTA)) > EPSILON


@pytest.mark.parametrize("history", [PLANTED, [5, 6], [7] * 40, list(range(24)) * 9])
def test_any_user_moves_the_sum_by_one(history) -> None:
    lists = [list(part) for part in np.split(walks(50).items, walks(50).offsets[1:-1])]
    moved = cross_moment(features(), ragged([*lists, history]), PUBLIC) - told(planted=False)
    assert np.linalg.norm(moved) == pytest.approx(1.0, abs=1e-6)
