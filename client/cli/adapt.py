"""``graft-client adapt``: look for drift, and refit the head where there is some."""

from typing import Annotated

import typer

from client.cli.arguments import Heads, PlatformOrAgent, VaultKey, asked_fit
from client.data.folder_options import DataSettings
from client.fitting.fit_settings import FitSettings
from shared.system.answer import tell
from shared.system.command_options import with_options
from shared.system.progress import shown


@with_options
def adapt(
    folder: PlatformOrAgent,
    data: DataSettings,
    asked: FitSettings,
    heads: Heads = None,
    vault_key: VaultKey = "",
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Serve a refitted head without a trial on live lists.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print where the platform stands as JSON.")] = False,
) -> None:
    """Look for drift in what callers reported, and refit the head where there is some.

    Run it again and again, say each hour. Where lists have drifted, the head is fitted anew with the encoder that is
    served, and tried on live lists beside the served one; the better one stays. Where that does not make up for what
    was lost, a federated round is wanted: the answer says so, and `graft-client status`.
    """
    with shown("adapt"):
        wanted = asked_fit(folder, None, data, asked, heads, vault_key)
        private = wanted.private_folder()
        looked = wanted.adapted(private, at_once=at_once)
    tell(looked.to_json(), f"{private.folder}: {looked.words}", as_json=as_json)
