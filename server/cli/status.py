"""``graft-server status``: what the coordinator is doing."""

import json
from datetime import UTC, datetime
from pathlib import Path

import typer

from server.cli.arguments import AsJson, Home


def status(home: Home = Path(), as_json: AsJson = False) -> None:
    """Say what the coordinator is doing: processes, certificate, platforms, runs."""
    from server.coordinator.home import ServerHome
    from server.engine.status import status as status_of
    from server.engine.status import status_lines

    state = status_of(ServerHome.existing(home), now=datetime.now(UTC))
    typer.echo(json.dumps(state, indent=2) if as_json else "\n".join(status_lines(state)))
