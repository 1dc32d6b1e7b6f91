"""``graft-server backup`` and ``restore``: the coordinator in one file, and a folder from it."""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.arguments import Home
from shared.system.answer import AsJson, tell


def backup(
    *,
    home: Home = Path(),
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; it holds keys, guard it.")],
    as_json: AsJson = False,
) -> None:
    """Write the coordinator to one file, while it runs or not; logs are left out."""
    from server.coordinator.home import ServerHome
    from server.engine.backup import back_up

    size = back_up(ServerHome.existing(home), file)
    tell({"file": str(file), "bytes": size}, f"{file}: {size:,} bytes, with private keys in it", as_json=as_json)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What backup wrote.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
    as_json: AsJson = False,
) -> None:
    """Make a coordinator's folder from a backup; the coordinator that it is of must run no longer."""
    from server.engine.backup import restore as restore_to

    restored = restore_to(file, folder).folder
    tell({"folder": str(restored)}, f"{restored}: restored; graft-server start goes on with it", as_json=as_json)
