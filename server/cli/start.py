"""Starting the coordinator's supervisor here or in the background, and asking it who is there."""

from server.coordinator.enrolment import Enrolment
from server.coordinator.home import ServerHome
from server.coordinator.settings import ServerSettings
from server.engine.flwr_command import FlwrCommand
from server.engine.supervisor import Supervisor, supervision
from shared.errors import EngineError
from shared.system.log_format import begin_log
from shared.system.processes.supervision import asked_to_stop
from shared.system.settings_file import read_settings


def start_here(home: ServerHome, log_format: str) -> None:
    """Supervise until SIGTERM or Ctrl-C."""
    begin_log(log_format)
    Supervisor(home, read_settings(ServerSettings, home.settings)).serve(asked_to_stop())


def start_in_background(home: ServerHome, log_format: str) -> int:
    """Start the supervisor as a process of its own and wait until platforms can join; its process id."""
    read_settings(ServerSettings, home.settings)
    command = ("-m", "server.cli.main", "start", "--home", str(home.folder), "--log-format", log_format)
    return supervision(home).start(command, lambda report: bool(report.get("ready")))


def online(home: ServerHome) -> dict[str, str]:
    """Platform to what the engine says of it; empty where the server does not run."""
    if not supervision(home).running():
        return {}
    try:
        nodes = FlwrCommand(home).nodes()
    except EngineError:
        return {}
    entries = [one for one in Enrolment(home.platforms).read() if not one.revoked and one.node is not None]
    return {one.name: nodes.get(one.node or 0, "unknown") for one in entries}
