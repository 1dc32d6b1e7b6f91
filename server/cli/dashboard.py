"""``graft-server dashboard``: the coordinator as a page in a browser."""

from pathlib import Path

import typer

from server.cli.arguments import Home
from server.dashboard.dashboard_settings import DashboardSettings
from shared.system.command_options import say, with_options


@with_options
def dashboard(settings: DashboardSettings, home: Home = Path()) -> None:
    """Show the coordinator as a page in a browser, read only: platforms, rounds, runs, the encoder.

    It reads the folder alone, so it works while the coordinator runs and after it ended.
    """
    from server.coordinator.home import ServerHome
    from server.dashboard.dashboard_server import serve_dashboard
    from shared.system.processes.supervision import asked_to_stop

    coordinator = ServerHome.existing(home)
    if settings.open_to_network:
        say(f"whoever reaches {settings.host} reads this page, without a password and without TLS")
    serve_dashboard(coordinator, settings, stopping=asked_to_stop(), say=typer.echo)
