"""``graft-client start`` and ``stop``: run a platform's agent, and end it."""

import os
from typing import Annotated

import typer

from client.cli.arguments import PRIVATE, AgentFolder, LogFormat
from shared.system.log_format import TEXT, begin_log, checked_format


def start(
    folder: AgentFolder,
    background: Annotated[bool, typer.Option("--background", help="Return once the agent runs.")] = False,
    log_format: LogFormat = TEXT,
) -> None:
    """Run the agent: it asks the coordinator for tasks, does them, and comes back whenever the network does."""
    from client.agent.home import AgentHome, AgentSettings
    from client.agent.private_part import require_private_part
    from client.agent.programs import serve, supervision
    from client.data.source import require_readable
    from client.data.spec import parse_platform_spec
    from shared.system.processes.supervision import asked_to_stop
    from shared.system.settings_file import read_settings

    os.umask(PRIVATE)
    home = AgentHome.existing(folder)
    settings = read_settings(AgentSettings, home.settings)
    require_readable(parse_platform_spec(f"{settings.name}={settings.data}").path, now=True)
    require_private_part(home, settings)
    if background:
        command = ("-m", "client.cli.main", "start", str(home.folder), "--log-format", checked_format(log_format))
        typer.echo(f"the agent runs as process {supervision(home).start(command, bool)}")
    else:
        begin_log(log_format)
        serve(home, settings, asked_to_stop())


def stop(folder: AgentFolder) -> None:
    """End the agent."""
    from client.agent.home import AgentHome
    from client.agent.programs import supervision

    supervision(AgentHome.existing(folder)).stop()
    typer.echo("stopped")
