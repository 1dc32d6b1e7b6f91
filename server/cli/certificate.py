"""``graft-server certificate``: the server's TLS certificate."""

from datetime import UTC, datetime
from pathlib import Path

from server.cli.arguments import Home
from shared.system.answer import AsJson, tell


def renew(home: Home = Path(), as_json: AsJson = False) -> None:
    """Make a new certificate from the same authority; a running server takes it at its next start."""
    from server.coordinator.certificates import expiry
    from server.coordinator.home import ServerHome, ServerSettings
    from server.coordinator.new_coordinator import renew_certificate
    from shared.system.settings_file import read_settings

    coordinator = ServerHome.existing(home)
    renew_certificate(coordinator, read_settings(ServerSettings, coordinator.settings), now=datetime.now(UTC))
    file, until = coordinator.certificate, expiry(coordinator.certificate)
    document = {"certificate": str(file), "until": until.isoformat()}
    tell(document, f"{file}: good until {until:%Y-%m-%d}", as_json=as_json)
