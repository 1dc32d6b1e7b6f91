"""``graft-client pack``: what a platform's devices need to list items on their own, as one signed file."""

from pathlib import Path
from typing import Annotated

import typer

from client.cli.arguments import AgentOrNone, Heads, VaultKey
from shared.system.answer import AsJson, tell


def pack(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the pack, or the delta, is written.")],
    folder: AgentOrNone = None,
    heads: Heads = None,
    since: Annotated[
        Path | None,
        typer.Option(
            "--since",
            metavar="PACK",
            help="Write what leads from this earlier pack to the new one; see --whole. Default: a whole pack.",
        ),
    ] = None,
    whole: Annotated[
        Path | None,
        typer.Option(
            "--whole", metavar="FILE", help="With --since: where the new pack itself is written, too. Default: nowhere."
        ),
    ] = None,
    least_users: Annotated[
        int,
        typer.Option(
            "--least-users", min=1, help="A count that fewer of the platform's users stand behind is left out."
        ),
    ] = 10,
    vault_key: VaultKey = "",
    as_json: AsJson = False,
) -> None:
    """Pack what the platform serves for its devices: catalogue, counts, encoder, weights; nobody's history.

    The key that signs it is made beside the heads with the first pack; devices are told its public half.
    """
    from client.api.packs import make_pack

    packed = make_pack(folder, heads, out, since=since, whole=whole, least_users=least_users, vault_key=vault_key)
    document = {
        "file": str(out),
        "version": packed.version,
        "items": packed.items,
        "bytes": packed.size,
        "platform_key": packed.key,
    }
    kind = "a delta to version" if since else "version"
    sentence = (
        f"{out}: {kind} {packed.version}, {packed.items:,} items, {packed.size:,} bytes\nplatform-key: {packed.key}"
    )
    tell(document, sentence, as_json=as_json)
