"""``graft-device init``: a device's folder, with its platform's catalogue pack."""

from typing import Annotated

import typer

from client.device.cli.arguments import DeviceFolder
from shared.system.answer import AsJson, tell


def init(
    folder: DeviceFolder,
    pack: Annotated[
        str, typer.Option("--pack", metavar="FILE|URL", help="The platform's pack: graft-client pack makes it.")
    ],
    platform_key: Annotated[
        str,
        typer.Option(
            "--platform-key",
            metavar="HEX",
            help="The platform's public key, 64 digits, as graft-client pack prints it. Without it the key that signed "
            "this pack is believed, and no other one later.",
        ),
    ] = "",
    vault_key: Annotated[
        str,
        typer.Option(
            "--vault-key",
            metavar="KIND:WHERE",
            help="What opens the device's vault: file:PATH, env:VARIABLE (64 hexadecimal digits) or "
            "passphrase:VARIABLE. Without it a new key file is made in DIR.",
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Make a device's folder; history, feedback and head will lie sealed in it."""
    from client.device.taken_packs import new_device

    taken = new_device(folder, pack, platform_key, vault_key)
    document = {
        "folder": str(folder),
        "version": taken.version,
        "items": len(taken.item_ids),
        "platform_key": taken.key.hex(),
    }
    believed = "" if platform_key else ", which is believed from now on"
    sentence = (
        f"{folder}: version {taken.version} of the pack, {len(taken.item_ids):,} items, signed by {taken.key.hex()}"
    )
    tell(document, sentence + believed, as_json=as_json)
