"""A platform that is kept out by a certificate or a clock, and comes back by itself.

And what a stranger on the same machine is answered.
"""

import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from client.agent.home import AgentHome
from client.agent.programs import TASKS
from server.coordinator.certificates import Issued, server_certificate
from server.coordinator.home import ServerHome
from tests.integration.deployed.deployment import Deployment, deployment, processes_of
from tests.integration.deployed.shifted_clock import shifted_clock

pytestmark = [pytest.mark.engine, pytest.mark.slow]
NAME = "north"
TWO_HOURS = 7200
CALLS = ("acquire-task", "pull-task-input", "push-task-output", "pull-object", "push-object", "create-task")
"""paths of the interface through which work is handed out and answers come back"""


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Iterator[Deployment]:
    """The server under a certificate that has expired, the agent trying."""
    with deployment(tmp_path_factory.mktemp("shut-out"), (NAME,)) as one:
        home = ServerHome(one.server)
        authority = Issued(certificate=home.authority.read_bytes(), key=home.authority_key.read_bytes())
        old = server_certificate(authority, ("localhost",), datetime.now(UTC) - timedelta(days=400))
        home.certificate.write_bytes(old.certificate)
        home.certificate_key.write_bytes(old.key)
        one.on_server("start", "--background")
        one.on_agent("start", NAME, "--background")
        yield one


def standing(one: Deployment) -> str:
    """What the engine says of the platform."""
    return str(one.status()["platforms"][0]["engine"])


def agent_log(one: Deployment, name: str) -> str:
    path = AgentHome(one.agent(NAME)).logs / f"{name}.log"
    return path.read_text("utf-8", "replace") if path.exists() else ""


def proxy_log(one: Deployment) -> str:
    """Who came to the coordinator's door, and what they were answered."""
    return (ServerHome(one.server).logs / "proxy.log").read_text("utf-8", "replace")


def test_takes_no_expired_certificate_says_so_and_comes_back_once_it_is_renewed(made) -> None:
    made.wait_until(lambda: "certificate has expired" in agent_log(made, "supernode"))
    assert made.status()["certificate"]["days"] < 0
    made.on_server("certificate", "renew")
    made.on_server("stop")
    made.on_server("start", "--background")
    made.wait_until(lambda: standing(made) == "online")


def test_a_platform_whose_clock_is_two_hours_off_is_refused_and_back_once_it_is_right(
    made, tmp_path, monkeypatch
) -> None:
    made.wait_until(lambda: standing(made) == "online")
    made.on_agent("stop", NAME)
    made.wait_until(lambda: standing(made) == "offline")
    before = len(proxy_log(made))
    with monkeypatch.context() as patched:
        for name, value in shifted_clock(tmp_path, TWO_HOURS).items():
            patched.setenv(name, value)
        made.on_agent("start", NAME, "--background")
    made.wait_until(lambda: "activate-node 401" in proxy_log(made)[before:])
    made.wait_until(lambda: "refuses this platform" in agent_log(made, "supervisor"))
    assert standing(made) == "offline"
    made.on_agent("stop", NAME)
    made.on_agent("start", NAME, "--background")
    made.wait_until(lambda: standing(made) == "online")


def test_the_shifted_clock_is_off_by_what_was_asked(tmp_path, monkeypatch) -> None:
    """Else the test before could pass for another reason."""
    found = subprocess.run(
        [sys.executable, "-c", "import time; print(time.time())"],
        env=shifted_clock(tmp_path, TWO_HOURS),
        capture_output=True,
        text=True,
        check=True,
    )
    assert abs(float(found.stdout) - time.time() - TWO_HOURS) < 600


def test_a_stranger_on_the_machine_gets_no_task_at_the_engines_ports_and_reads_no_secret(made) -> None:
    made.wait_until(lambda: standing(made) == "online")
    trust = ssl.create_default_context(cafile=str(ServerHome(made.server).authority))
    engine, agent = ports(made.server, "flower-superlink"), ports(made.agent(NAME), "flower-supernode")
    assert (len(engine), len(agent)) == (1, 1)
    asked = {f"https://127.0.0.1:{engine[0]}": trust, f"http://127.0.0.1:{agent[0]}": True}
    for address, verify in asked.items():
        with httpx.Client(base_url=address, verify=verify, timeout=60) as stranger:
            headers = {"content-type": "application/protobuf"}
            for path in CALLS:
                answer = stranger.post(f"/v1/runtime/{path}", content=b"", headers=headers)
                assert answer.status_code in {401, 403}, f"{address} {path}: {answer.status_code} {answer.text}"
    home = AgentHome(made.agent(NAME))
    for secret in (ServerHome(made.server).secret, home.secret, home.state / TASKS):
        assert others_may(secret) == others_may(secret.parent) == 0


def ports(home: Path, program: str) -> list[int]:
    """On which a program of the folder listens."""
    return sorted(
        {
            connection.laddr.port
            for one in processes_of(home)
            if program in " ".join(one.cmdline())
            for connection in one.net_connections(kind="inet")
            if connection.status == "LISTEN"
        }
    )


def others_may(path: Path) -> int:
    """What other users of the machine may do with it."""
    return path.stat().st_mode & 0o077
