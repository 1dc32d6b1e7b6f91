"""On real platforms: what the server solves from their moments is what one place with all their events would solve."""

import os
from pathlib import Path

import numpy as np
import pytest

from client.data.platform import merged, training_sequences
from client.features.prepared_platform import PreparedPlatform
from client.rounds.workspace import open_data
from client.training.moments import platform_moments
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.linear import solve, solve_all
from shared.federation.config import RoundsConfig
from simulations.federation.held_federation import run_held_federation

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
        name: open_data(f"{name}={DATA}/{line},max-users=120", 0, None, "hashing", 3, 1)
        for name, line in FOLDERS.items()
    }


@pytest.fixture(scope="module")
def start(platforms) -> Encoder:
    one = platforms["beauty"]
    return Encoder.initial(EncoderSpec(preset="tiny", input_dim=one.features.shape[1], feature_space=one.space), 0)


def federate(platforms, start, folder):
    return run_held_federation(platforms, start, RoundsConfig(rounds=0, evaluate_every=0), folder=folder)


def pooled_map(platforms):
    everything = merged([one.platform for one in platforms.values()]).platform
    features = np.concatenate([one.features for one in platforms.values()])
    return solve(platform_moments(features, training_sequences(everything, everything.contributing_users)))


@pytest.fixture(scope="module")
def of_all(platforms, start, tmp_path_factory):
    return federate(platforms, start, tmp_path_factory.mktemp("all"))


def test_federated_linear_part_is_the_pooled_one(platforms, of_all):
    federated = of_all.encoder.linear().W
    pooled = pooled_map(platforms).W
    assert np.abs(pooled).max() > 0.1
    assert np.abs(federated - pooled).max() <= CLOSE * np.abs(pooled).max()


def test_platform_that_is_taken_out_was_never_there(platforms, start, of_all, tmp_path):
    others = {name: one for name, one in platforms.items() if name != "retail"}
    without = federate(others, start, tmp_path).encoder.linear().W
    total = sum((of_all.moments[name] for name in others), of_all.moments["retail"])
    subtracted = start.with_linear(solve(total - of_all.moments["retail"], RoundsConfig().ridge)).linear().W
    left_out = {name: moments for name, moments in of_all.moments.items() if name != "retail"}
    assert np.array_equal(solve_all(left_out, ridge=RoundsConfig().ridge).W, without)
    assert np.abs(subtracted - without).max() <= CLOSE * np.abs(without).max()
