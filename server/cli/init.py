"""``graft-server init``: make a coordinator's folder."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
    encoder: Annotated[
        Path, typer.Option("--encoder", metavar="FILE", help="What graft-client pretrain made on the source platform.")
    ],
    name: Annotated[
        list[str] | None,
        typer.Option("--name", help="A host name or address under which platforms reach it; may be repeated."),
    ] = None,
    port: Annotated[int, typer.Option(help="The port that platforms reach.")] = 9443,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "0.0.0.0",  # noqa: S104
) -> None:
    """Make a coordinator's folder: settings, a certificate authority, a certificate, the encoder to begin with."""
    from server.coordinator.new_coordinator import make_coordinator
    from server.coordinator.settings import ServerSettings

    settings = ServerSettings(host=host, port=port, names=tuple(name or ("localhost",)))
    made = make_coordinator(folder, encoder, settings, now=datetime.now(UTC))
    typer.echo("\n".join(made.lines()))
