"""``graft-server restore``: a coordinator's folder from a backup."""

from pathlib import Path
from typing import Annotated

import typer


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What backup wrote.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
) -> None:
    """Make a coordinator's folder from a backup; the coordinator that it is of must run no longer."""
    from server.engine.backup import restore as restore_to

    typer.echo(f"{restore_to(file, folder).folder}: restored; graft-server start goes on with it")
