"""``graft-server stop``: end the coordinator."""

from pathlib import Path

import typer

from server.cli.arguments import Home


def stop(home: Home = Path()) -> None:
    """End the coordinator; a run that is under way goes on at the next start."""
    from server.coordinator.home import ServerHome
    from server.engine.supervisor import supervision

    supervision(ServerHome.existing(home)).stop()
    typer.echo("stopped")
