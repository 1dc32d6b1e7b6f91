"""``graft-server init``: make a coordinator's folder."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from server.coordinator.home import ServerSettings
from shared.system.answer import AsJson, tell
from shared.system.command_options import with_options


@with_options
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
    encoder: Annotated[
        Path, typer.Option("--encoder", metavar="FILE", help="What graft-client pretrain made on the source platform.")
    ],
    settings: ServerSettings,
    as_json: AsJson = False,
) -> None:
    """Make a coordinator's folder: settings, a certificate authority, a certificate, the encoder to begin with."""
    from server.coordinator.new_coordinator import make_coordinator

    coordinator = make_coordinator(folder, encoder, settings, now=datetime.now(UTC))
    tell(coordinator.to_json(), "\n".join(coordinator.lines()), as_json=as_json)
