"""On real platforms: what the server solves from their moments is what one place with all their events would solve."""

import os
from pathlib import Path

import numpy as np
import pytest

from client.data.folder_options import SharedPreparation
from client.data.platform import merged, training_sequences
from client.features.prepared_platform import PreparedPlatform
from client.rounds.workspace import open_data
from client.training.moments import platform_moments
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.linear import Moments, solve, solve_all
from shared.federation.config import RoundsConfig
from simulations.federation.held_federation import run_held_federation, size_classes

REPOSITORY = Path(__file__).parents[2]
DATA = Path(os.environ.get("GRAFT_DATA", REPOSITORY.parent / "shared" / "data"))
FOLDERS = {
    "beauty": "amazon_beauty",
    "industrial": "amazon_industrial",
    "movielens": "movielens_small,min-rating=4",
    "retail": "uci_retail",
}
CLOSE = 0.005
"""Numbers of pairs are told to two digits, so a platform counts up to 5 % more or less."""

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the platform folders in {DATA}")


@pytest.fixture(scope="module")
def platforms() -> dict[str, PreparedPlatform]:
    return {
        name: open_data(f"{name}={DATA}/{line},max-users=120", 0, None, "hashing", SharedPreparation())
        for name, line in FOLDERS.items()
    }


@pytest.fixture(scope="module")
def start(platforms) -> Encoder:
    one = platforms["beauty"]
    return Encoder.initial(EncoderSpec(preset="tiny", input_dim=one.features.shape[1], feature_space=one.space), 0)


def federate(platforms, start, folder):
    return run_held_federation(platforms, start, RoundsConfig(rounds=0, evaluate_every=0, robust="none"), folder=folder)


def pooled_map(platforms):
    everything = merged([one.platform for one in platforms.values()]).platform
    features = np.concatenate([one.features for one in platforms.values()])
    return solve(platform_moments(features, training_sequences(everything, everything.encoder_users)))


@pytest.fixture(scope="module")
def of_all(platforms, start, tmp_path_factory):
    return federate(platforms, start, tmp_path_factory.mktemp("all"))


def counted(platforms, moments):
    """As many pairs of each platform as its size class stands for."""
    return solve_all(size_classes(platforms).counted(moments), ridge=RoundsConfig().ridge).W


def test_all_platforms_moments_add_up_to_the_pooled_ones(platforms, of_all):
    summed = solve(sum(of_all.moments.values(), Moments.zero(of_all.encoder.spec.input_dim))).W
    pooled = pooled_map(platforms).W
    assert np.abs(pooled).max() > 0.1
    assert np.abs(summed - pooled).max() <= CLOSE * np.abs(pooled).max()


def test_federated_linear_part_is_of_all_by_their_size_classes(platforms, of_all):
    assert np.array_equal(of_all.encoder.linear().W, counted(platforms, of_all.moments))


def test_platform_that_is_taken_out_was_never_there(platforms, start, of_all, tmp_path):
    others = {name: one for name, one in platforms.items() if name != "retail"}
    without = federate(others, start, tmp_path).encoder.linear().W
    left_out = {name: moments for name, moments in of_all.moments.items() if name != "retail"}
    assert np.array_equal(counted(others, left_out), without)
