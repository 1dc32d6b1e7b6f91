"""``graft-device delete-all``: everything that the device holds is erased."""

from typing import Annotated

import typer

from client.device.cli.arguments import DeviceFolder
from shared.system.answer import AsJson, tell


def delete_all(
    folder: DeviceFolder,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase what the device knows of its user, the keys first, and the pack."""
    from client.device.home import DeviceHome
    from client.device.inventory import DeviceErasure
    from client.joined.home import JoinedHome
    from client.joined.keeping import supervision

    supervision(JoinedHome.of(DeviceHome.existing(folder))).require_none()
    erasure = DeviceErasure.of(folder)
    typer.echo(erasure.sentence, err=as_json)
    if not yes:
        typer.confirm("Erase it?", abort=True, err=as_json)
    erasure.erase()
    tell({"folder": str(folder), "files": len(erasure.files)}, "erased", as_json=as_json)
