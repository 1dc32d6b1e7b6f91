"""Masked runs of real processes that are killed amid stages: the same encoder, and no secret outside of a vault.

``GRAFT_KILL_TRIALS`` says how many are tried; benchmarks/kill_trials.py --masked makes a table of them.
"""

import os
from collections.abc import Iterator

import pytest

from tests.integration.deployed.deployment import Deployment
from tests.integration.deployed.kill_trial import (
    MASKED_RUN,
    NAMES,
    Ending,
    Kill,
    federation,
    kill_trial,
    same_heads,
    undisturbed,
)
from tests.integration.deployed.sum_secrets import require_no_secret_outside

pytestmark = [pytest.mark.engine, pytest.mark.slow]
TRIALS = int(os.environ.get("GRAFT_KILL_TRIALS", "3"))


@pytest.fixture(scope="module")
def deployed(tmp_path_factory) -> Iterator[Deployment]:
    """Started, and all platforms online."""
    with federation(tmp_path_factory.mktemp("killed-masked"), promise=("--privacy", "masked")) as made:
        yield made


@pytest.fixture(scope="module")
def usual(deployed) -> Ending:
    return undisturbed(deployed, MASKED_RUN)


@pytest.mark.parametrize("seed", range(300, 300 + TRIALS), ids=lambda seed: f"{seed}-{Kill.drawn(seed).target}")
def test_whoever_is_killed_in_whatever_stage_it_ends_with_the_same_encoder(deployed, usual, seed) -> None:
    found = kill_trial(deployed, Kill.drawn(seed), usual_seconds=usual.seconds, tried=MASKED_RUN)
    assert found.ending.encoder == usual.encoder, found.kill
    assert same_heads(found.ending.heads, usual.heads) == dict.fromkeys(NAMES, True), found.kill
    require_no_secret_outside(deployed)
