"""``graft-server status``: what the coordinator is doing."""

from datetime import UTC, datetime
from pathlib import Path

from server.cli.arguments import Home
from shared.system.answer import AsJson, tell


def status(home: Home = Path(), as_json: AsJson = False) -> None:
    """Say what the coordinator is doing: processes, certificate, platforms, runs."""
    from server.coordinator.home import ServerHome
    from server.engine.status import status as status_of
    from server.engine.status import status_lines

    state = status_of(ServerHome.existing(home), now=datetime.now(UTC))
    tell(state, "\n".join(status_lines(state)), as_json=as_json)
