"""``graft-server init``: make a coordinator's folder."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from server.coordinator.home import ServerSettings
from shared.system.command_options import with_options


@with_options
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
    encoder: Annotated[
        Path, typer.Option("--encoder", metavar="FILE", help="What graft-client pretrain made on the source platform.")
    ],
    settings: ServerSettings,
) -> None:
    """Make a coordinator's folder: settings, a certificate authority, a certificate, the encoder to begin with."""
    from server.coordinator.new_coordinator import make_coordinator

    typer.echo("\n".join(make_coordinator(folder, encoder, settings, now=datetime.now(UTC)).lines()))
