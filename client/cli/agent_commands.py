"""The commands of ``graft-client`` that make, run and watch a platform's agent: wiring only."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from client.agent.home import AgentHome
from client.agent.private_part import require_private_part
from client.agent.settings import AgentSettings
from client.agent.supervisor import serve, supervision
from client.cli.init import absolute_data, absolute_key, enrolment_line, make_agent
from client.cli.privacy_commands import KEY_HELP
from client.cli.status import status, status_lines
from client.data.source import require_readable
from client.data.spec import parse_platform_spec
from shared.federation.config import LocalSettings
from shared.system.log_format import HELP as LOG_HELP
from shared.system.log_format import TEXT, begin_log, checked_format
from shared.system.processes.supervision import asked_to_stop
from shared.system.settings_file import read_settings

PRIVATE = 0o077
"""the umask under which an agent's files are written: nothing is readable for other users of the machine"""


def add_agent_commands(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    app.command()(init)
    app.command()(start)
    app.command()(stop)
    app.command("status")(show_status)
    app.command("dry-run")(show_dry_run)


LogFormat = Annotated[str, typer.Option("--log-format", metavar="text|json", help=LOG_HELP)]
AgentFolder = Annotated[Path, typer.Argument(metavar="DIR", help="The agent's folder.")]


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The agent's folder, to be made.")],
    server: Annotated[str, typer.Option("--server", metavar="HOST:PORT", help="The coordinator.")],
    ca: Annotated[Path, typer.Option("--ca", metavar="FILE", help="The coordinator's ca.crt.")],
    name: Annotated[str, typer.Option("--name", help="The platform's name: a-z, 0-9, _, . and -.")],
    data: Annotated[
        str,
        typer.Option(
            "--data",
            metavar="DIR[,option=value...]",
            help="The platform folder or an SQL source's file, with options as in assess.",
        ),
    ],
    features: Annotated[str, typer.Option(help="Feature space: hashing or precomputed.")] = "hashing",
    vault_key: Annotated[
        str, typer.Option("--vault-key", metavar="KIND:WHERE", help=f"{KEY_HELP} Default: a new file in DIR.")
    ] = "",
    and_start: Annotated[bool, typer.Option("--start", help="Start it at once, in the background.")] = False,
) -> None:
    """Make an agent's folder with a key pair, a vault and a site policy; print the line that enrols this platform."""
    os.umask(PRIVATE)
    settings = AgentSettings(
        server=server, name=name, data=absolute_data(name, data), vault_key=absolute_key(vault_key), features=features
    )
    home = make_agent(folder, settings, ca)
    typer.echo(f"{home.folder}: an agent of {name}; its private key stays here")
    typer.echo(f"what it learns is sealed in {home.vault}; {_where_the_key_is(home, vault_key)}")
    typer.echo(f"what may leave stands in {home.policy}; graft-client audit tells what has left")
    typer.echo(f"send {home.public_key} to the coordinator, who runs:\n  {enrolment_line(home, settings)}")
    if and_start:
        start(home.folder, background=True)


def _where_the_key_is(home: AgentHome, vault_key: str) -> str:
    if vault_key:
        return f"{vault_key} opens it"
    return f"{home.vault_key} opens it: to keep it elsewhere, move it and name it in {home.settings.name}, vault-key"


def start(
    folder: AgentFolder,
    background: Annotated[bool, typer.Option("--background", help="Return once the agent runs.")] = False,
    log_format: LogFormat = TEXT,
) -> None:
    """Run the agent: it asks the coordinator for tasks, does them, and comes back whenever the network does."""
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
    supervision(AgentHome.existing(folder)).stop()
    typer.echo("stopped")


def show_status(
    folder: AgentFolder, as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False
) -> None:
    """Say what the agent is doing."""
    found = status(AgentHome.existing(folder))
    typer.echo(json.dumps(found, indent=2) if as_json else "\n".join(status_lines(found)))


def show_dry_run(
    folder: AgentFolder,
    encoder: Annotated[Path, typer.Option("--encoder", metavar="FILE", help="The encoder file on offer.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON, nothing cut off.")] = False,
) -> None:
    """Do a whole round with nothing sent: say exactly what would leave this platform, and how long it takes."""
    from client.cli.dry_run import dry_run  # seconds to import, for which no other command shall wait

    os.umask(PRIVATE)
    home = AgentHome.existing(folder)
    found = dry_run(read_settings(AgentSettings, home.settings).node(home), encoder, LocalSettings())
    if as_json:
        typer.echo(json.dumps([one.to_json() for one in found], indent=2))
    else:
        typer.echo("\n".join(line for one in found for line in one.lines()))
