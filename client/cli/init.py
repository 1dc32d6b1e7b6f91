"""``graft-client init``: make a platform's agent."""

import os
from pathlib import Path
from typing import Annotated

import typer

from client.cli.arguments import KEY_HELP, PRIVATE
from client.cli.start import start


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
    from client.agent.new_agent import absolute_data, absolute_key, enrolment_line, make_agent, where_the_key_is
    from client.agent.settings import AgentSettings

    os.umask(PRIVATE)
    settings = AgentSettings(
        server=server, name=name, data=absolute_data(name, data), vault_key=absolute_key(vault_key), features=features
    )
    home = make_agent(folder, settings, ca)
    typer.echo(f"{home.folder}: an agent of {name}; its private key stays here")
    typer.echo(f"what it learns is sealed in {home.vault}; {where_the_key_is(home, vault_key)}")
    typer.echo(f"what may leave stands in {home.policy}; graft-client audit tells what has left")
    typer.echo(f"send {home.public_key} to the coordinator, who runs:\n  {enrolment_line(home, settings)}")
    if and_start:
        start(home.folder, background=True)
