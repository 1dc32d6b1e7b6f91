"""A coordinator who knows a catalogue solves answers for items and their pairs: exactly without noise, not with it."""

import numpy as np
import pytest

from benchmarks.privacy_attacks import auc
from client.privacy.noise import noised
from client.training.cross_moments import cross_moment
from client.training.moments import platform_moments
from shared.encoder.cross import CatalogueMoments, to_square
from shared.privacy.gaussian import noise_for
from shared.privacy.grid import middles
from tests.unit.client.training.world import ragged

ITEMS, SOLD, DIM, USERS = 120, 60, 160, 200
RNG = np.random.default_rng(5)
CATALOGUE = RNG.normal(size=(ITEMS, DIM))
CATALOGUE = (CATALOGUE / np.linalg.norm(CATALOGUE, axis=1, keepdims=True)).astype(np.float32)
HISTORIES = ragged([RNG.integers(0, SOLD, RNG.integers(3, 9)) for _ in range(USERS)])
PUBLIC = CatalogueMoments.of(CATALOGUE)
MET = np.bincount(HISTORIES.items, minlength=ITEMS) > 0


def attacked(cross: np.ndarray) -> float:
    """How well items that users met are told from items that nobody met.

    By how much of each stands in the pairs that explain a cross moment.
    """
    white = (CATALOGUE.astype(np.float64) - PUBLIC.mean) @ PUBLIC.whitening
    pairs = np.linalg.pinv(white, rcond=1e-6).T @ to_square(cross, DIM)
    scores = np.linalg.norm(pairs, axis=1)
    return auc(scores[MET], scores[~MET])


def test_plain_moments_give_every_items_count_away() -> None:
    moments = platform_moments(CATALOGUE, HISTORIES)
    dual = np.linalg.pinv(CATALOGUE.astype(np.float64)).T
    counts = np.einsum("nd,nd->n", dual @ moments.C, dual)
    following = np.concatenate([part[1:] for part in np.split(HISTORIES.items, HISTORIES.offsets[1:-1])])
    np.testing.assert_allclose(counts, np.bincount(following, minlength=ITEMS), atol=1e-6)


def test_a_cross_moment_without_noise_tells_what_was_met() -> None:
    assert attacked(cross_moment(CATALOGUE, HISTORIES, PUBLIC)) > 0.9


@pytest.mark.parametrize("draw", range(3))
def test_one_under_noise_does_not(draw) -> None:
    sigma = noise_for(8.0, 1e-6)
    total = cross_moment(CATALOGUE, HISTORIES, PUBLIC)
    told = middles(noised(total, sigma, np.random.default_rng(draw).bytes), sigma)
    assert attacked(told) < 0.7
