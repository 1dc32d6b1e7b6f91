"""What ``graft-client start`` does until it is told to stop: the agent's programs are kept running, for ever."""

import secrets
from collections.abc import Callable
from contextlib import ExitStack

from client.agent.home import AgentHome
from client.agent.metrics import AgentMetrics
from client.agent.programs import TASKS, agent_programs, write_node_config
from client.agent.release_bundle import approve_release
from client.agent.settings import AgentSettings
from client.guard.approved_bundles import write_programs
from shared.system.metrics_port import free_port, metrics_served
from shared.system.processes.keeper import Program
from shared.system.processes.supervision import Supervision
from shared.system.whole_file import write_whole

LOG_BYTES = 10 * 2**20


def supervision(home: AgentHome) -> Supervision:
    """The supervisor of an agent's folder."""
    return Supervision(what=f"the agent of {home.folder}", state=home.state, logs=home.logs)


def serve(home: AgentHome, settings: AgentSettings, stopping: Callable[[], bool]) -> None:
    """Until ``stopping``; raises ConfigError where another supervisor runs in the folder."""

    figures = AgentMetrics(home=home, settings=settings, report=supervision(home).report)

    def programs() -> list[Program]:
        write_whole(home.secret, secrets.token_hex(32).encode("ascii"))
        write_node_config(home, settings)
        write_programs(home.programs, home.approved, TASKS if settings.keep_loaded else "")
        approve_release(home)
        open_for_long.enter_context(metrics_served(settings.metrics_port, figures))
        return agent_programs(home, settings, free_port())

    with ExitStack() as open_for_long:
        supervision(home).serve(programs, each_tick=dict, stopping=stopping, log_bytes=LOG_BYTES)
