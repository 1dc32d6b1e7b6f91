"""``graft-client approve``: which bundles may run here."""

from typing import Annotated

import typer

from client.cli.arguments import AgentFolder
from shared.errors import ConfigError
from shared.system.answer import AsJson, tell


def approve(
    folder: AgentFolder,
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="A .fab file, or its SHA-256 digest.")],
    as_json: AsJson = False,
) -> None:
    """Let the agent run a bundle that a coordinator sends; it runs no other."""
    from client.guard import approved_bundles

    if not folder.is_dir():
        raise ConfigError(f"{folder}: expected an agent's folder; found none")
    approved = approved_bundles.approve(folder / approved_bundles.PLACE, bundle)
    tell({"folder": str(folder), "bundle": approved}, f"{folder}: bundle {approved} may run here", as_json=as_json)
