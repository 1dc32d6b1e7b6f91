"""Whether a user took part, told from the map that was made: by their loss, and against maps of other users.

Without noise both tell it of a few hundred users. With it they stay below what is asked of them (.80 at 200 users), and
below what ε allows whoever knows everything else.
"""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import norm

from benchmarks.privacy_attacks import auc, lifts, shadowed
from client.data.sequences import Sequences, select
from client.privacy.noise import noised
from client.training.cross_moments import cross_moment
from client.training.moments import platform_moments
from shared.encoder.cross import CatalogueMoments, map_on, released_cross
from shared.encoder.linear import LinearMap, solve
from shared.privacy.gaussian import noise_for
from shared.privacy.grid import middles
from tests.unit.client.training.world import ragged

ITEMS, DIM, USERS = 60, 64, 200
RNG = np.random.default_rng(5)
CATALOGUE = RNG.normal(size=(ITEMS, DIM))
CATALOGUE = (CATALOGUE / np.linalg.norm(CATALOGUE, axis=1, keepdims=True)).astype(np.float32)
PUBLIC = CatalogueMoments.of(CATALOGUE)
PEOPLE = ragged([RNG.integers(0, ITEMS, RNG.integers(6, 14)) for _ in range(8 * USERS)])
GAVE, OTHERS, REST = np.split(np.arange(len(PEOPLE)), [USERS, 2 * USERS])
SHADOWS = np.array_split(REST[: 4 * USERS], 2)
SIGMA = noise_for(8.0, 1e-6)
PLAIN, PRIVATE = 0.89, 0.80
ALLOWED = norm.cdf(1 / (SIGMA * np.sqrt(2)))
MadeMap = Callable[[Sequences, int], LinearMap]


def of_moments(members: Sequences, _draw: int) -> LinearMap:
    """What a plain platform's answer solves to."""
    return solve(platform_moments(CATALOGUE, members))


def without_noise(members: Sequences, _draw: int) -> LinearMap:
    return map_on(released_cross(cross_moment(CATALOGUE, members, PUBLIC), 0.0, PUBLIC), CATALOGUE)


def under_noise(members: Sequences, draw: int) -> LinearMap:
    """What a private platform's answer comes to."""
    cells = noised(cross_moment(CATALOGUE, members, PUBLIC), SIGMA, np.random.default_rng(draw).bytes)
    return map_on(released_cross(middles(cells, SIGMA), SIGMA, PUBLIC), CATALOGUE)


def told(made: MadeMap, draw: int = 0) -> tuple[float, float]:
    """By loss, and by a shadow model: how often a member stands before another user."""
    linear = made(select(PEOPLE, GAVE), draw)
    gains = [lifts(linear, CATALOGUE, PEOPLE, rows, PUBLIC) for rows in (GAVE, OTHERS)]
    shadows = shadowed(lambda some, place: made(some, 100 + place), CATALOGUE, PEOPLE, SHADOWS, PUBLIC, gains)
    return auc(*gains), shadows


@pytest.mark.parametrize("made", [of_moments, without_noise])
def test_without_noise_a_map_tells_who_took_part(made) -> None:
    assert min(told(made)) >= PLAIN


def test_under_noise_it_tells_less_than_is_allowed() -> None:
    found = np.array([told(under_noise, draw) for draw in range(3)])
    assert pytest.approx(0.861, abs=0.001) == ALLOWED
    assert found.mean(0).max() <= PRIVATE
    assert found.max() <= ALLOWED
