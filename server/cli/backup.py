"""``graft-server backup`` and ``restore``: the coordinator in one file, and a folder from it."""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.arguments import Home


def backup(
    *,
    home: Home = Path(),
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; it holds keys, guard it.")],
) -> None:
    """Write the coordinator to one file, while it runs or not; logs are left out."""
    from server.coordinator.home import ServerHome
    from server.engine.backup import back_up

    size = back_up(ServerHome.existing(home), file)
    typer.echo(f"{file}: {size:,} bytes, with private keys in it")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What backup wrote.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
) -> None:
    """Make a coordinator's folder from a backup; the coordinator that it is of must run no longer."""
    from server.engine.backup import restore as restore_to

    typer.echo(f"{restore_to(file, folder).folder}: restored; graft-server start goes on with it")
