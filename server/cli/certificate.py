"""``graft-server certificate``: the server's TLS certificate."""

from datetime import UTC, datetime
from pathlib import Path

import typer

from server.cli.arguments import Home


def renew(home: Home = Path()) -> None:
    """Make a new certificate from the same authority; a running server takes it at its next start."""
    from server.coordinator.certificates import expiry
    from server.coordinator.home import ServerHome, ServerSettings
    from server.coordinator.new_coordinator import renew_certificate
    from shared.system.settings_file import read_settings

    coordinator = ServerHome.existing(home)
    renew_certificate(coordinator, read_settings(ServerSettings, coordinator.settings), now=datetime.now(UTC))
    typer.echo(f"{coordinator.certificate}: good until {expiry(coordinator.certificate):%Y-%m-%d}")
