"""Masked rounds of real processes: keys from enrolment, taken on first use, and nobody new unasked."""

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from client.rounds.workspace import NodeSettings
from server.coordinator.home import ServerHome
from server.coordinator.run_book import RunBook
from server.rounds.summed_sets import SummedSets
from shared.encoder.file import load_encoder
from simulations.federation.held_federation import run_federation
from tests.integration.commands import run
from tests.integration.deployed.deployment import SECONDS, Deployment
from tests.integration.deployed.kill_trial import MASKED_RUN, NAMES, Ending, asked, draw_alike, ending, federation
from tests.integration.deployed.sum_secrets import require_no_secret_outside
from tests.small_space import FEATURES

pytestmark = pytest.mark.engine
CONFIG = MASKED_RUN.config


@pytest.fixture(scope="module")
def deployed(tmp_path_factory) -> Iterator[Deployment]:
    """Started, and all platforms online."""
    with federation(tmp_path_factory.mktemp("masked"), promise=("--privacy", "masked")) as made:
        yield made


@pytest.fixture(scope="module")
def first(deployed) -> Ending:
    """A run that nobody disturbs."""
    assert "run 1 is completed" in deployed.on_server("run", *asked(CONFIG))
    return ending(deployed, RunBook(deployed.server / "runs").get(1), seconds=0.0, tried=MASKED_RUN)


def test_ends_with_the_encoder_of_the_simulation(deployed, first, tmp_path) -> None:
    for name in NAMES:
        draw_alike(deployed.agent(name), tmp_path / name)
    simulated = run_federation(
        {
            name: NodeSettings(
                platform=f"{name}={deployed.source(name)}", features=FEATURES, heads=str(tmp_path / name)
            )
            for name in NAMES
        },
        load_encoder(deployed.folder / "start.safetensors")[0],
        CONFIG,
        folder=tmp_path / "simulated",
    )
    found = np.frombuffer(first.encoder, np.float32)
    start = load_encoder(deployed.folder / "start.safetensors")[0].flat
    assert np.abs(found - start).max() > 1e-3
    np.testing.assert_allclose(found, simulated.encoder.flat, rtol=0, atol=1e-5)


def test_every_platform_knows_the_others_by_their_enrolled_keys(deployed, first) -> None:
    for name in NAMES:
        told = json.loads(deployed.on_agent("parties", name, "--json"))
        assert ([one["name"] for one in told["known"]], told["new"], told["changed"]) == (list(NAMES), [], [])
    assert "3 known for secure sums" in deployed.on_agent("status", "north")
    (remembered,) = SummedSets(ServerHome(deployed.server).summed).sets()
    assert sorted(one.party for one in remembered) == list(NAMES)


def test_no_key_and_no_share_stands_in_logs_or_on_the_coordinators_disk(deployed, first) -> None:
    require_no_secret_outside(deployed)


def test_a_platform_with_another_key_is_refused_until_its_change_is_accepted(deployed, first) -> None:
    """And then K changes at once are wanted, since the set differs by one platform that went and one that came."""
    south = deployed.agent("south")
    deployed.on_agent("stop", "south")
    for record in south.glob("vault/sum-*"):
        record.unlink()
    assert "has a new key for secure sums" in deployed.on_agent("start", "south", "--background")
    deployed.on_server("enroll", "south", "--public-key", south / "node.key.pub")
    refused = run("graft-server", "run", deployed.server, *asked(replace(CONFIG, wait_seconds=10.0)), seconds=SECONDS)
    assert refused.returncode == 2
    assert "south has another key" in refused.stderr
    ServerHome(deployed.server).summed.unlink()
    refused = run("graft-server", "run", deployed.server, *asked(replace(CONFIG, rounds=1)), seconds=SECONDS)
    assert "no platform took part" in refused.stderr
    assert "have another key than it knows" in refused.stdout
    told = json.loads(deployed.on_agent("parties", "north", "--json"))
    assert [one["name"] for one in told["changed"]] == ["south"]
    assert "another key" in deployed.on_agent("parties", "north")
    deployed.on_agent("parties", "north", "--accept", "south")
    assert json.loads(deployed.on_agent("parties", "north", "--json"))["changed"] == []
