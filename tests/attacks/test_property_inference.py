"""How many of a platform's users met a category, guessed from what leaves it.

Exactly from plain moments. Under noise, a difference of a few users in two hundred is not told; what holds of most
users is, since noise hides people and not domains.
"""

from functools import cache

import numpy as np
import pytest

from benchmarks.privacy_attacks import auc
from client.data.sequences import select
from client.privacy.noise import noised
from client.training.cross_moments import cross_moment
from client.training.moments import platform_moments
from shared.encoder.cross import CatalogueMoments, to_square
from shared.privacy.gaussian import noise_for
from shared.privacy.grid import middles
from tests.unit.client.training.world import ragged

ITEMS, CATEGORY, DIM, USERS, SHOPS = 120, 100, 160, 200, 40
"""items from ``CATEGORY`` on are of the category"""
FEW, MORE, MOST = 10, 20, 160
"""users of a shop who met it"""
RNG = np.random.default_rng(5)
CATALOGUE = RNG.normal(size=(ITEMS, DIM))
CATALOGUE = (CATALOGUE / np.linalg.norm(CATALOGUE, axis=1, keepdims=True)).astype(np.float32)
PUBLIC = CatalogueMoments.of(CATALOGUE)
DUAL = np.linalg.pinv((CATALOGUE.astype(np.float64) - PUBLIC.mean) @ PUBLIC.whitening, rcond=1e-6).T
SIGMA = noise_for(8.0, 1e-6)


def history(*, met: bool) -> np.ndarray:
    items = RNG.integers(0, CATEGORY, RNG.integers(3, 9))
    if met:
        items[RNG.integers(1, len(items))] = RNG.integers(CATEGORY, ITEMS)
    return items


PEOPLE = ragged([history(met=place < 300) for place in range(1000)])
MET, OTHERS = np.arange(300), np.arange(300, 1000)


def users(met: int, shop: int) -> np.ndarray:
    """Who a shop's users are, so many of whom met the category."""
    rng = np.random.default_rng([met, shop])
    return np.concatenate([rng.choice(MET, met, replace=False), rng.choice(OTHERS, USERS - met, replace=False)])


@cache
def given() -> np.ndarray:
    """[N, T] what each user gives; a shop's cross moment is the sum of its users'."""
    return np.stack([cross_moment(CATALOGUE, select(PEOPLE, [row]), PUBLIC) for row in range(len(PEOPLE))])


def share(cross: np.ndarray) -> float:
    """Of what stands in the pairs of items that explain a cross moment, the part of the category."""
    lengths = np.linalg.norm(DUAL @ to_square(cross, DIM), axis=1)
    return float(lengths[CATEGORY:].sum() / lengths.sum())


def shares(met: int, sigma: float) -> np.ndarray:
    """The guess at each shop whose users met the category in this number."""
    found = []
    for shop in range(SHOPS):
        total = given()[users(met, shop)].sum(0)
        draw = np.random.default_rng([met, shop, 1]).bytes
        found.append(share(middles(noised(total, sigma, draw), sigma) if sigma else total))
    return np.array(found)


def test_plain_moments_tell_how_often_it_was_met_exactly() -> None:
    rows = users(FEW, 0)
    dual = np.linalg.pinv(CATALOGUE.astype(np.float64)).T
    counts = np.einsum("nd,nd->n", dual @ platform_moments(CATALOGUE, select(PEOPLE, rows)).C, dual)
    assert counts[CATEGORY:].sum() == pytest.approx(FEW, abs=1e-6)


def test_without_noise_a_cross_moment_tells_twice_as_many_from_as_many() -> None:
    assert auc(shares(MORE, 0.0), shares(FEW, 0.0)) > 0.95


def test_under_noise_it_does_not() -> None:
    assert auc(shares(MORE, SIGMA), shares(FEW, SIGMA)) < 0.65


def test_what_holds_of_most_users_is_told_all_the_same() -> None:
    assert auc(shares(MOST, SIGMA), shares(FEW, SIGMA)) > 0.8
