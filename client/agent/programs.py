"""The agent's programs: Flower's SuperNode asks the coordinator for tasks, its SuperExec has them done.

A third keeps what every task reads in memory, where the settings let it. ``graft-client start`` keeps all of them
running until it is told to stop.
"""

import logging
import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import tomli_w

from client.agent.connection import REFUSED, SUPERNODE, Connection
from client.agent.home import AgentHome, AgentSettings, MemberSettings
from client.agent.metrics import AgentMetrics
from client.agent.own_updates import OwnUpdates
from client.agent.private_part import OWNER_ONLY
from client.agent.release_bundle import approve_release
from client.agent.supernode import GAVE_UP
from client.guard import warm_start
from client.guard.approved_bundles import write_programs
from client.guard.ledger import line_of, said
from shared.system.engine_environment import engine_environment, engine_program
from shared.system.free_port import free_port
from shared.system.metrics_port import metrics_served
from shared.system.new_lines import NewLines
from shared.system.processes.keeper import Program
from shared.system.processes.supervision import Processes, Supervision
from shared.system.whole_file import write_whole

LOG_BYTES = 10 * 2**20
LOOPBACK = "127.0.0.1"
TASKS = "tasks.sock"
"""in the folder in which the programs run; a whole path could be too long for a socket"""
MIB = 2**20
_LOG = logging.getLogger("graft.agent")
_ENDINGS = {
    REFUSED: "the coordinator refuses this platform: its key is not enrolled or was revoked, or a clock is off",
    GAVE_UP: "it has given up the connection, as Flower does after an error of TLS; its log has the error",
}
"""with the first Flower's SuperNode ends by itself where it is answered 401 (http_retry.py), and says nothing of it"""


def agent_programs(home: AgentHome, settings: AgentSettings, port: int) -> list[Program]:
    """The agent's programs, in the order in which they are started.

    The SuperNode hands tasks only to who knows the secret, so no other user of the machine can take one; and what works
    on them is looked for first where the gate stands, which lets approved bundles alone run.

    Args:
        home: the agent's folder.
        settings: of the agent.
        port: of loopback, at which the SuperNode hands its tasks out.

    Returns:
        SuperNode, the process that keeps what every task reads in memory where the settings let it, and SuperExec.
    """
    supernode = (
        *(sys.executable, "-P", "-m", "client.agent.supernode", "flower-supernode"),
        *("--superlink", settings.server, "--root-certificates", str(home.authority)),
        *("--auth-supernode-private-key", str(home.key), "--host", LOOPBACK, "--port", str(port)),
        *("--isolation", "process", "--superexec-auth-secret-file", str(home.secret)),
        *("--node-config", str(home.node_config)),
    )
    superexec = (
        *engine_program("flower-superexec"),
        *("--runtime-api-address", f"{LOOPBACK}:{port}", "--insecure"),
        *("--superexec-auth-secret-file", str(home.secret)),
    )
    environment = engine_environment(home.engine)
    path = f"{home.programs}{os.pathsep}{environment['PATH']}"
    task_environment = {**environment, "PATH": path, "PYTHONPATH": "", **_threads(settings.threads)}
    memory = settings.memory_mib * MIB
    warm = (sys.executable, "-I", str(Path(warm_start.__file__)), TASKS)
    tasks = Program(name="tasks", command=warm, environment=task_environment, folder=home.state, memory_bytes=memory)
    return [
        Program(
            name=SUPERNODE,
            command=supernode,
            environment={**environment, **_way_out(settings.http_proxy)},
            folder=home.state,
            endings=_ENDINGS,
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


def write_node_config(home: AgentHome, settings: MemberSettings) -> None:
    """Write down what the platform's app is told.

    It is a file, since a command line takes no quotes and is there for all to read.

    Args:
        home: the agent's folder, into which the file is written.
        settings: of the agent.
    """
    write_whole(home.node_config, tomli_w.dumps(settings.node(home).to_node_config()).encode("utf-8"), mode=OWNER_ONLY)


def _way_out(proxy: str) -> Mapping[str, str]:
    return {"HTTPS_PROXY": proxy, "NO_PROXY": f"{LOOPBACK},localhost"} if proxy else {}


def _threads(number: int) -> Mapping[str, str]:
    """For every library that has threads of its own: equal bytes need equal numbers of them."""
    return dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), str(number)
    )


def supervision(home: AgentHome) -> Supervision:
    """The supervisor of an agent's folder."""
    return Supervision(what=f"the agent of {home.folder}", state=home.state, logs=home.logs)


def serve(
    home: AgentHome, settings: AgentSettings, stopping: Callable[[], bool], notes: list[dict[str, object]]
) -> None:
    """Keep the agent's programs running.

    Args:
        home: the agent's folder.
        settings: of the agent.
        stopping: says whether to end.
        notes: what was found before, for the report.

    Raises:
        ConfigError: if another supervisor runs in the folder.
    """
    figures = AgentMetrics(home=home, settings=settings, report=supervision(home).report)
    connection = Connection.of(home, settings, time.monotonic)
    answers = NewLines(home.ledger, from_its_end=True)
    updates = OwnUpdates(home=home, settings=settings, seconds=time.monotonic)

    def programs() -> list[Program]:
        write_whole(home.secret, secrets.token_hex(32).encode("ascii"))
        write_node_config(home, settings)
        write_programs(home.programs, home.approved, TASKS if settings.keep_loaded else "")
        approve_release(home)
        open_for_long.enter_context(metrics_served(settings.metrics_port, figures))
        return agent_programs(home, settings, free_port())

    def each_tick(processes: Processes) -> dict[str, Any]:
        for line in filter(None, map(line_of, answers.read())):
            _LOG.info("%s", said(line))
        return {**connection.look(processes), "updating": updates.look(), "notes": notes}

    with ExitStack() as open_for_long:
        open_for_long.callback(connection.end)
        open_for_long.callback(updates.end)
        supervision(home).serve(programs, each_tick=each_tick, stopping=stopping, log_bytes=LOG_BYTES)
