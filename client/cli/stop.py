"""``graft-client stop``: end a platform's agent."""

import typer

from client.cli.arguments import AgentFolder


def stop(folder: AgentFolder) -> None:
    """End the agent."""
    from client.agent.home import AgentHome
    from client.agent.programs import supervision

    supervision(AgentHome.existing(folder)).stop()
    typer.echo("stopped")
