"""The agent's programs: Flower's SuperNode asks the coordinator for tasks, its SuperExec has them done.

A third keeps what every task reads in memory, where the settings let it.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import tomli_w

from client.agent.home import AgentHome
from client.agent.private_part import OWNER_ONLY
from client.agent.settings import AgentSettings
from client.guard import warm_start
from shared.system.engine_environment import engine_environment, program
from shared.system.processes.keeper import Program
from shared.system.whole_file import write_whole

LOOPBACK = "127.0.0.1"
TASKS = "tasks.sock"
"""in the folder in which the programs run; a whole path could be too long for a socket"""
MIB = 2**20
REFUSED = {
    0: "the coordinator refuses this platform: its key is not enrolled or was revoked, or this machine's clock is off"
}
"""Flower's SuperNode ends so by itself wherever it is answered 401 (http_retry.py), and says nothing of it"""


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
    task_environment = {**_gated(home, environment), "PYTHONPATH": "", **_threads(settings.threads)}
    memory = settings.memory_mib * MIB
    warm = (sys.executable, "-I", str(Path(warm_start.__file__)), TASKS)
    tasks = Program(name="tasks", command=warm, environment=task_environment, folder=home.state, memory_bytes=memory)
    return [
        Program(
            name="supernode",
            command=supernode,
            environment={**environment, **_way_out(settings.http_proxy)},
            folder=home.state,
            endings=REFUSED,
        ),
        *((tasks,) if settings.keep_loaded else ()),
        Program(
            name="superexec",
            command=superexec,
            environment=task_environment,
            folder=home.state,
            memory_bytes=memory,
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
