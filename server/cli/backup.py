"""``graft-server backup``: the coordinator in one file."""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.arguments import Home


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; it holds keys, guard it.")],
    home: Home = Path(),
) -> None:
    """Write the coordinator to one file, while it runs or not; logs are left out."""
    from server.coordinator.home import ServerHome
    from server.engine.backup import back_up

    size = back_up(ServerHome.existing(home), file)
    typer.echo(f"{file}: {size:,} bytes, with private keys in it")
