"""One coordinator and two platforms as real processes on loopback: TLS, node authentication, the proxy between them."""

import shutil
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest

from client.workspace import NodeSettings
from server.engine.flwr_command import FlwrCommand
from server.enrolment import Enrolment
from server.home import ServerHome
from server.run_book import RunBook
from shared.config import LocalSettings, RoundsConfig
from shared.encoder.encoder import Encoder
from shared.encoder.file import load_encoder
from simulations.federation import run_federation
from tests.integration.commands import run
from tests.integration.deployed.deployment import SECONDS, Deployment, deployment, processes_of

pytestmark = pytest.mark.engine
NAMES = ("north", "south")
CONFIG = RoundsConfig(
    rounds=2,
    strategy="fedavgm",
    min_platforms=2,
    require_all=True,
    evaluate_every=2,
    wait_seconds=300,
    deadline_seconds=300,
    local=LocalSettings(tokens=512),
)
QUESTIONS = ["moments", "evaluate", "train", "train", "evaluate"]
UNEVALUATED = replace(CONFIG, evaluate_every=0)
"""asks less and ends with the same encoder"""


def asked(config: RoundsConfig) -> list[str]:
    """The options of ``graft-server run`` that ask for it."""
    return [f"--set={name}={str(value).lower()}" for name, value in config.to_run_config().items()]


@pytest.fixture(scope="module")
def federation(tmp_path_factory) -> Iterator[Deployment]:
    """Started, and both platforms online."""
    with deployment(tmp_path_factory.mktemp("deployed"), NAMES) as made:
        made.on_server("start", "--background")
        for name in NAMES:
            made.on_agent("start", name, "--background")
        yield made


@pytest.fixture(scope="module")
def undisturbed(federation) -> Encoder:
    """What a run gives that nobody disturbs."""
    shown = federation.on_server("run", *asked(CONFIG))
    assert "run 1 is completed" in shown
    return load_encoder(RunBook(federation.server / "runs").get(1).encoder)[0]


def test_ends_with_the_encoder_of_the_simulation(federation, undisturbed, tmp_path) -> None:
    simulated = run_federation(
        {name: NodeSettings(platform=f"{name}={federation.data(name)}", heads=str(tmp_path / name)) for name in NAMES},
        load_encoder(federation.folder / "start.safetensors")[0],
        CONFIG,
        folder=tmp_path / "simulated",
    )
    history = RunBook(federation.server / "runs").get(1).history()
    assert [(entry["kind"], entry["platforms"]) for entry in history] == [(kind, list(NAMES)) for kind in QUESTIONS]
    np.testing.assert_allclose(undisturbed.flat, simulated.encoder.flat, rtol=0, atol=1e-5)


def test_the_encoder_of_a_completed_run_is_exported_and_the_next_one_starts_from_it(
    federation, undisturbed, tmp_path
) -> None:
    federation.on_server("encoder", "export", tmp_path / "out.safetensors")
    assert load_encoder(tmp_path / "out.safetensors")[0].flat.tobytes() == undisturbed.flat.tobytes()


def test_says_who_is_there_and_what_runs(federation, undisturbed) -> None:
    found = federation.status()
    assert (found["running"], found["ready"]) == (True, True)
    assert [(one["name"], one["engine"], one["queued"]) for one in found["platforms"]] == [
        ("north", "online", False),
        ("south", "online", False),
    ]
    assert [(one["number"], one["state"], one["rounds"]) for one in found["runs"]] == [(1, "completed", 2)]
    assert [one["name"] for one in found["processes"]] == ["superlink", "superexec", "proxy"]
    assert "north: running" in federation.on_agent("status", "north")


def test_the_network_reaches_fleet_paths_and_health_alone(federation) -> None:
    trust = ssl.create_default_context(cafile=str(federation.server / "tls" / "ca.crt"))
    with httpx.Client(base_url=f"https://localhost:{federation.port}", verify=trust, timeout=60) as network:
        assert network.get("/health").status_code == 200
        for path in ("control/start-run", "control/list-runs", "control/register-node", "runtime/acquire-task"):
            assert network.post(f"/v1/{path}", content=b"").status_code == 404
        for path in ("register-node", "activate-node", "pull-messages", "get-fab", "pull-object"):
            protobuf = {"content-type": "application/protobuf"}
            assert network.post(f"/v1/fleet/{path}", content=b"", headers=protobuf).status_code == 401, path
            assert network.post(f"/v1/fleet/{path}", json={}).status_code == 415, path
        assert network.get("/docs").status_code == 404


def test_nothing_but_the_proxy_listens_beyond_loopback(federation) -> None:
    listening = [
        connection
        for home in (federation.server, *(federation.agent(name) for name in NAMES))
        for process in processes_of(home)
        for connection in process.net_connections(kind="inet")
        if connection.status == "LISTEN"
    ]
    assert len({connection.laddr.port for connection in listening}) >= 4
    assert {connection.laddr.ip for connection in listening} == {"127.0.0.1"}


def test_goes_on_after_everything_was_killed_and_ends_with_the_same_bytes(federation, undisturbed) -> None:
    shutil.copy(federation.folder / "start.safetensors", federation.server / "encoder.safetensors")
    for name in NAMES:
        shutil.rmtree(federation.agent(name) / "vault")
    federation.on_server("run", "--detach", *asked(UNEVALUATED))
    second = RunBook(federation.server / "runs").get(2)
    federation.wait_until(lambda: len(second.history()) == 2)
    federation.kill("server.cli", "flower-superlink", "flower-superexec", "flwr-serverapp", "server.proxy")
    for one in processes_of(federation.agent("north")):
        one.kill()
    assert second.standing().state == "running"
    federation.on_server("start", "--background")
    federation.on_agent("start", "north", "--background")
    federation.wait_until(lambda: second.standing().state not in {"queued", "running"})
    assert second.standing().state == "completed", f"{second.standing()}{federation.logs()}"
    assert [entry["kind"] for entry in second.history()] == ["moments", "train", "train"]
    assert [entry["platforms"] for entry in second.history()] == [list(NAMES)] * 3
    assert load_encoder(second.encoder)[0].flat.tobytes() == undisturbed.flat.tobytes()


def test_a_second_supervisor_is_refused(federation) -> None:
    for command, arguments in (
        ("graft-server", ("start", "--home", federation.server)),
        ("graft-client", ("start", federation.agent("north"))),
    ):
        done = run(command, *arguments, seconds=SECONDS)
        assert done.returncode == 2
        assert "runs already" in done.stderr


def test_who_is_revoked_is_shut_out_and_who_was_never_enrolled_does_not_get_in(federation, undisturbed) -> None:
    federation.on_server("revoke", "south")
    engine = FlwrCommand(ServerHome(federation.server))
    register = Enrolment(engine.home.platforms)
    federation.wait_until(lambda: not any(one.waiting for one in register.read()))
    stranger = federation.folder / "agent-stranger"
    arguments = ("--server", f"localhost:{federation.port}", "--ca", federation.server / "tls" / "ca.crt")
    done = run("graft-client", "init", stranger, *arguments, "--name", "stranger", "--data", federation.data("north"))
    assert done.returncode == 0
    run("graft-client", "start", stranger, "--background", seconds=SECONDS)
    log: Path = stranger / "logs" / "supernode.log"
    federation.wait_until(lambda: log.exists() and "supernode ended" in (log.parent / "supervisor.log").read_text())
    run("graft-client", "stop", stranger, seconds=SECONDS)
    online = [node for node, status in engine.nodes().items() if status == "online"]
    assert len(online) == 1
    assert processes_of(stranger) == []


def test_everything_ends_when_it_is_told_to(federation) -> None:
    for name in NAMES:
        federation.on_agent("stop", name)
    federation.on_server("stop")
    homes = [federation.folder / home for home in ("server", "agent-north", "agent-south")]
    federation.wait_until(lambda: not any(processes_of(home) for home in homes))
