"""A coordinator and three platforms, one of which reads SQLite, as real processes on loopback.

TLS, node authentication, the proxy between them.
"""

import json
import os
import re
import ssl
import time
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest

from client.agent.home import AgentHome
from client.data.source import read_platform_data
from client.guard.gatekeeper import approved_digests
from client.recommender.served_head import RECORD
from client.rounds.workspace import NodeSettings
from client.store.keyring import KeySource
from server.coordinator.enrolment import Enrolment
from server.coordinator.home import ServerHome
from server.coordinator.run_book import RunBook
from server.engine.flwr_command import FlwrCommand
from shared.encoder.file import load_encoder
from simulations.federation.held_federation import run_federation
from tests.integration.commands import run
from tests.integration.deployed.canaries import canaries, found, unsealed
from tests.integration.deployed.deployment import SECONDS, Deployment, processes_of
from tests.integration.deployed.kill_trial import (
    CONFIG,
    NAMES,
    Ending,
    Kill,
    asked,
    draw_alike,
    ending,
    federation,
    kill_trial,
    same_heads,
)
from tests.small_space import FEATURES

pytestmark = pytest.mark.engine
EVALUATED = replace(CONFIG, evaluate_every=2)
"""asks more and ends with the same encoder"""
ASKED = ["evaluate", "moments", "evaluate", "train", "train", "evaluate"]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory) -> Iterator[Deployment]:
    """Started, and all platforms online."""
    with federation(tmp_path_factory.mktemp("deployed")) as made:
        yield made


@pytest.fixture(scope="module")
def undisturbed(deployed) -> Ending:
    """What a run gives that nobody disturbs."""
    began = time.monotonic()
    assert "run 1 is completed" in deployed.on_server("run", *asked(EVALUATED))
    return ending(deployed, RunBook(deployed.server / "runs").get(1), seconds=time.monotonic() - began)


def test_ends_with_the_encoder_of_the_simulation(deployed, undisturbed, tmp_path) -> None:
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
        EVALUATED,
        folder=tmp_path / "simulated",
    )
    history = RunBook(deployed.server / "runs").get(1).history()
    assert [(entry["kind"], entry["platforms"]) for entry in history] == [(kind, list(NAMES)) for kind in ASKED]
    found = np.frombuffer(undisturbed.encoder, np.float32)
    np.testing.assert_allclose(found, simulated.encoder.flat, rtol=0, atol=1e-5)


def test_the_encoder_of_a_completed_run_is_exported_and_the_next_one_starts_from_it(
    deployed, undisturbed, tmp_path
) -> None:
    deployed.on_server("encoder", "export", tmp_path / "out.safetensors")
    assert load_encoder(tmp_path / "out.safetensors")[0].flat.tobytes() == undisturbed.encoder


def test_says_who_is_there_and_what_runs(deployed, undisturbed) -> None:
    found = deployed.status()
    assert (found["running"], found["ready"]) == (True, True)
    assert [(one["name"], one["engine"], one["queued"]) for one in found["platforms"]] == [
        ("north", "online", False),
        ("south", "online", False),
        ("west", "online", False),
    ]
    assert [(one["number"], one["state"], one["rounds"]) for one in found["runs"]] == [(1, "completed", 2)]
    assert [one["name"] for one in found["processes"]] == ["superlink", "superexec", "proxy"]
    assert f"north: connected to localhost:{deployed.port} since" in deployed.on_agent("status", "north")


def test_the_network_reaches_fleet_paths_and_health_alone(deployed) -> None:
    trust = ssl.create_default_context(cafile=str(deployed.server / "tls" / "ca.crt"))
    with httpx.Client(base_url=f"https://localhost:{deployed.port}", verify=trust, timeout=60) as network:
        assert network.get("/health").status_code == 200
        for path in ("control/start-run", "control/list-runs", "control/register-node", "runtime/acquire-task"):
            assert network.post(f"/v1/{path}", content=b"").status_code == 404
        for path in ("register-node", "activate-node", "pull-messages", "get-fab", "pull-object"):
            protobuf = {"content-type": "application/protobuf"}
            assert network.post(f"/v1/fleet/{path}", content=b"", headers=protobuf).status_code == 401, path
            assert network.post(f"/v1/fleet/{path}", json={}).status_code == 415, path
        assert network.get("/docs").status_code == 404


def test_nothing_but_the_proxy_listens_beyond_loopback(deployed) -> None:
    listening = [
        connection
        for home in (deployed.server, *(deployed.agent(name) for name in NAMES))
        for process in processes_of(home)
        for connection in process.net_connections(kind="inet")
        if connection.status == "LISTEN"
    ]
    assert len({connection.laddr.port for connection in listening}) >= 4
    assert {connection.laddr.ip for connection in listening} == {"127.0.0.1"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 103), ids=lambda seed: Kill.drawn(seed).target)
def test_whoever_is_killed_at_whatever_moment_it_ends_with_the_same_encoder_and_heads(
    deployed, undisturbed, seed
) -> None:
    found = kill_trial(deployed, Kill.drawn(seed), usual_seconds=undisturbed.seconds)
    assert found.ending.encoder == undisturbed.encoder, found.kill
    assert same_heads(found.ending.heads, undisturbed.heads) == dict.fromkeys(NAMES, True), found.kill


def test_nothing_private_stands_outside_a_vault_and_the_ledger_tells_what_left(deployed, undisturbed, tmp_path) -> None:
    encoder = RunBook(deployed.server / "runs").get(1).encoder
    for name in NAMES:
        assert "serves" in deployed.on_agent("fit", name, "--encoder", encoder, "--no-own")
        told = json.loads(deployed.on_agent("audit", name, "--json"))
        assert [line["task"] for line in told["left"]][: len(ASKED)] == ASKED
        patterns = canaries(deployed.source(name))
        user = read_platform_data(deployed.source(name)).events["user_id"][0]
        assert "thing" in deployed.on_agent("recommend", name, "--user", user)
        assert found(patterns, deployed.agent(name)) == []
        assert found(patterns, deployed.server) == []
        node = NodeSettings.from_node_config(tomllib.loads(AgentHome(deployed.agent(name)).node_config.read_text()))
        assert RECORD in found(patterns, unsealed(node, tmp_path / name))
        key = Path(KeySource.parse(node.vault_key).where).read_bytes().strip()
        assert found([re.compile(re.escape(key))], deployed.agent(name)) == ["vault.key"]


def test_an_agent_runs_the_release_that_it_has_and_starts_nothing_past_the_gate(deployed, undisturbed) -> None:
    homes = [AgentHome(deployed.agent(name)) for name in NAMES]
    lists = [approved_digests(home.approved) for home in homes]
    assert [len(one) for one in lists] == [1] * len(NAMES)
    assert len(set(lists)) == 1
    for home in homes:
        at_work = [
            one for one in processes_of(home.folder) if any("flower-superexec" in word for word in one.cmdline())
        ]
        assert at_work
        assert {one.environ()["PATH"].split(os.pathsep)[0] for one in at_work} == {str(home.programs)}


def test_a_second_supervisor_is_refused(deployed) -> None:
    for command, arguments in (
        ("graft-server", ("start", deployed.server)),
        ("graft-client", ("start", deployed.agent("north"))),
    ):
        done = run(command, *arguments, seconds=SECONDS)
        assert done.returncode == 2
        assert "runs already" in done.stderr


def test_who_is_revoked_is_shut_out_and_who_was_never_enrolled_does_not_get_in(deployed, undisturbed) -> None:
    deployed.on_server("revoke", "south")
    engine = FlwrCommand(ServerHome(deployed.server))
    register = Enrolment(engine.home.platforms)
    deployed.wait_until(lambda: not any(one.waiting for one in register.read()))
    stranger = deployed.folder / "agent-stranger"
    arguments = ("--server", f"localhost:{deployed.port}", "--ca", deployed.server / "tls" / "ca.crt")
    done = run("graft-client", "init", stranger, *arguments, "--name", "stranger", "--data", deployed.data("north"))
    assert done.returncode == 0
    run("graft-client", "start", stranger, "--background", seconds=SECONDS)
    log: Path = stranger / "logs" / "supernode.log"
    deployed.wait_until(lambda: log.exists() and "supernode ended" in (log.parent / "supervisor.log").read_text())
    run("graft-client", "stop", stranger, seconds=SECONDS)
    online = [node for node, status in engine.nodes().items() if status == "online"]
    assert len(online) == len(NAMES) - 1
    deployed.wait_until(lambda: not processes_of(stranger))


def test_everything_ends_when_it_is_told_to(deployed) -> None:
    for name in NAMES:
        deployed.on_agent("stop", name)
    deployed.on_server("stop")
    homes = [deployed.folder / home for home in ("server", *(f"agent-{name}" for name in NAMES))]
    deployed.wait_until(lambda: not any(processes_of(home) for home in homes))
