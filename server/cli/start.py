"""``graft-server start``: run the coordinator, here or in the background."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.arguments import Home, LogFormat
from shared.system.log_format import TEXT, begin_log, checked_format

if TYPE_CHECKING:
    from server.coordinator.home import ServerHome


def start(
    home: Home = Path(),
    background: Annotated[bool, typer.Option("--background", help="Return once platforms can join.")] = False,
    log_format: LogFormat = TEXT,
) -> None:
    """Run the coordinator: Flower's engine on loopback, the proxy before it, and the runs on record."""
    from server.coordinator.home import ServerHome

    found = ServerHome.existing(home)
    if background:
        typer.echo(f"the server runs as process {_in_background(found, checked_format(log_format))}")
    else:
        _here(found, log_format)


def _here(home: "ServerHome", log_format: str) -> None:
    """Supervise until SIGTERM or Ctrl-C."""
    from server.coordinator.settings import ServerSettings
    from server.engine.supervisor import Supervisor
    from shared.system.processes.supervision import asked_to_stop
    from shared.system.settings_file import read_settings

    begin_log(log_format)
    Supervisor(home, read_settings(ServerSettings, home.settings)).serve(asked_to_stop())


def _in_background(home: "ServerHome", log_format: str) -> int:
    """Start the supervisor as a process of its own and wait until platforms can join; its process id."""
    from server.coordinator.settings import ServerSettings
    from server.engine.supervisor import supervision
    from shared.system.settings_file import read_settings

    read_settings(ServerSettings, home.settings)
    command = ("-m", "server.cli.main", "start", "--home", str(home.folder), "--log-format", log_format)
    return supervision(home).start(command, lambda report: bool(report.get("ready")))
