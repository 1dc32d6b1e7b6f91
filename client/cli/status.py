"""``graft-client status``: what a platform's agent is doing."""

import json

import typer

from client.cli.arguments import AgentFolder, AsJson


def status(folder: AgentFolder, as_json: AsJson = False) -> None:
    """Say what the agent is doing."""
    from client.agent.home import AgentHome
    from client.agent.status import status as status_of
    from client.agent.status import status_lines

    state = status_of(AgentHome.existing(folder))
    typer.echo(json.dumps(state, indent=2) if as_json else "\n".join(status_lines(state)))
