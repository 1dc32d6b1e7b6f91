from dataclasses import replace

import numpy as np
import pytest

from client.data.platform import training_sequences
from client.features.prepared_platform import PreparedPlatform
from client.training.moments import platform_moments
from simulations.federation.held_federation import leave_one_out
from tests.federation_world import START, opened
from tests.unit.client.training.world import N_ITEMS, ragged

RIDGE = 0.03


def shop(name: str, seed: int, *, step: int = 1) -> PreparedPlatform:
    """Users go around the ring of items by ``step`` at a time; of few users, so that others' moments can help."""
    starts = np.random.default_rng(seed).integers(0, N_ITEMS, 120)
    sequences = ragged([(start + step * np.arange(6)) % N_ITEMS for start in starts])
    data = opened(name)
    return replace(data, platform=replace(data.platform, sequences=sequences))


def moments_of(one: PreparedPlatform, share: float = 1.0):
    sequences = training_sequences(one.platform, one.platform.encoder_users)
    return platform_moments(one.features, sequences).scaled(share)


def found_for(platforms, **shares):
    moments = {name: moments_of(one, shares.get(name, 1.0)) for name, one in platforms.items()}
    return leave_one_out(platforms, START, moments, ridge=RIDGE, seed=0)


def test_finds_that_shops_help_each_other_whose_users_walk_alike():
    platforms = {"a": shop("a", 1), "b": shop("b", 2), "far": shop("far", 3, step=11)}
    lifts = found_for(platforms, a=0.2)
    assert lifts["b"]["a"] > 0
    assert lifts["far"]["a"] < 0
    assert set(lifts) == set(lifts["a"]) == {"a", "b", "far"}


def test_finds_that_a_platform_helps_itself():
    platforms = {"a": shop("a", 1), "far": shop("far", 3, step=11)}
    assert found_for(platforms)["a"]["a"] > 0


def test_tells_of_a_platform_that_sent_no_moments_only_what_it_gets():
    platforms = {"a": shop("a", 1), "b": shop("b", 2), "small": shop("small", 4)}
    moments = {name: moments_of(platforms[name]) for name in ("a", "b")}
    lifts = leave_one_out(platforms, START, moments, ridge=RIDGE, seed=0)
    assert set(lifts) == {"a", "b"}
    assert set(lifts["a"]) == {"a", "b", "small"}


@pytest.mark.parametrize("names", [(), ("a",)])
def test_compares_nothing_where_fewer_than_two_sent_moments(names):
    platforms = {"a": shop("a", 1)}
    assert leave_one_out(platforms, START, {n: moments_of(platforms[n]) for n in names}, ridge=RIDGE, seed=0) == {}
