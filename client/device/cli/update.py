"""``graft-device update``: a later catalogue pack, whole or as a delta."""

from typing import Annotated

import typer

from client.device.cli.arguments import DeviceFolder
from shared.system.answer import AsJson, tell


def update(
    folder: DeviceFolder,
    pack_or_delta: Annotated[
        str, typer.Argument(metavar="FILE|URL", help="A later pack, or the delta that leads to it from this one.")
    ],
    as_json: AsJson = False,
) -> None:
    """Take a later pack of the same platform; events on items that it lacks stay, for one that has them."""
    from client.device import taken_packs

    later = taken_packs.update(folder, pack_or_delta)
    document = {"folder": str(folder), "version": later.version, "items": len(later.item_ids)}
    tell(document, f"{folder}: version {later.version} of the pack, {len(later.item_ids):,} items", as_json=as_json)
