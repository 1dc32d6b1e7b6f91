"""The agent's two programs: Flower's SuperNode asks the coordinator for tasks, its SuperExec does them."""

import os
from collections.abc import Mapping

import tomli_w

from client.agent.home import AgentHome
from client.agent.private_part import OWNER_ONLY
from client.agent.settings import AgentSettings
from shared.engine_environment import engine_environment, program
from shared.processes.program import Program
from shared.whole_file import write_whole

LOOPBACK = "127.0.0.1"
MIB = 2**20


def agent_programs(home: AgentHome, settings: AgentSettings, port: int) -> list[Program]:
    """In the order in which they are started; the SuperNode hands its tasks out at this port of loopback.

    It hands them only to who knows the secret, so no other user of the machine can take one; and what works on them is
    looked for first where the gate stands, which lets approved bundles alone run.
    """
    supernode = (
        *(program("flower-supernode"), "--superlink", settings.server, "--root-certificates", str(home.authority)),
        *("--auth-supernode-private-key", str(home.key), "--host", LOOPBACK, "--port", str(port)),
        *("--isolation", "process", "--superexec-auth-secret-file", str(home.secret)),
        *("--node-config", str(home.node_config)),
    )
    superexec = (
        *(program("flower-superexec"), "--runtime-api-address", f"{LOOPBACK}:{port}", "--insecure"),
        *("--superexec-auth-secret-file", str(home.secret)),
    )
    environment = engine_environment(home.engine)
    return [
        Program(
            name="supernode",
            command=supernode,
            environment={**environment, **_way_out(settings.http_proxy)},
            folder=home.state,
        ),
        Program(
            name="superexec",
            command=superexec,
            environment={**_gated(home, environment), "PYTHONPATH": "", **_threads(settings.threads)},
            folder=home.state,
            memory_bytes=settings.memory_mib * MIB,
        ),
    ]


def write_node_config(home: AgentHome, settings: AgentSettings) -> None:
    """What the platform's app is told: a file, since a command line takes no quotes and is there for all to read."""
    write_whole(home.node_config, tomli_w.dumps(settings.node(home).to_node_config()).encode("utf-8"), mode=OWNER_ONLY)


def _gated(home: AgentHome, environment: Mapping[str, str]) -> Mapping[str, str]:
    return {**environment, "PATH": f"{home.programs}{os.pathsep}{environment['PATH']}"}


def _way_out(proxy: str) -> Mapping[str, str]:
    return {"HTTPS_PROXY": proxy, "NO_PROXY": f"{LOOPBACK},localhost"} if proxy else {}


def _threads(number: int) -> Mapping[str, str]:
    """For every library that has threads of its own: equal bytes need equal numbers of them."""
    return dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), str(number)
    )
