"""``graft-server start`` and ``stop``: run the coordinator, here or in the background, and end it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from server.cli.arguments import Home, LogFormat
from server.coordinator.certificates import expiry
from server.coordinator.home import ServerHome, ServerSettings
from shared.system.answer import AsJson, tell
from shared.system.command_options import say
from shared.system.log_format import TEXT, begin_log, checked_format
from shared.system.progress import shown, working
from shared.system.settings_file import read_settings


def start(
    home: Home = Path(),
    background: Annotated[bool, typer.Option("--background", help="Return once platforms can join.")] = False,
    log_format: LogFormat = TEXT,
) -> None:
    """Run the coordinator: Flower's engine on loopback, the proxy before it, and the runs on record."""
    from server.engine.supervisor import Supervisor, supervision
    from shared.system.processes.supervision import asked_to_stop

    coordinator, form = ServerHome.existing(home), checked_format(log_format)
    if (expires := expiry(coordinator.certificate)) <= datetime.now(UTC):
        say(f"the certificate expired on {expires:%Y-%m-%d}, and no platform can join: graft-server certificate renew")
    if background:
        read_settings(ServerSettings, coordinator.settings)
        command = ("-m", "server.cli.main", "start", str(coordinator.folder), "--log-format", form)
        with shown("start"), working("until platforms can join"):
            process = supervision(coordinator).start(command, lambda report: bool(report.get("ready")))
        typer.echo(f"the server runs as process {process}")
        typer.echo(f"platforms join with: graft-server enroll {coordinator.folder} NAME --public-key node.key.pub")
        typer.echo(f"watch it with: graft-server dashboard {coordinator.folder}")
    else:
        begin_log(form)
        Supervisor(coordinator, read_settings(ServerSettings, coordinator.settings)).serve(asked_to_stop())


def stop(home: Home = Path(), as_json: AsJson = False) -> None:
    """End the coordinator; a run that is under way goes on at the next start."""
    from server.engine.supervisor import supervision

    coordinator = ServerHome.existing(home)
    done = supervision(coordinator).stop()
    tell({"folder": str(coordinator.folder), "done": done}, done, as_json=as_json)
