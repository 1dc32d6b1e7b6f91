"""``graft-client approve``: which bundles may run here."""

from typing import Annotated

import typer

from client.cli.arguments import AgentFolder
from shared.errors import ConfigError


def approve(
    folder: AgentFolder,
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="A .fab file, or its SHA-256 digest.")],
) -> None:
    """Let the agent run a bundle that a coordinator sends; it runs no other."""
    from client.guard import approved_bundles

    if not folder.is_dir():
        raise ConfigError(f"{folder}: expected an agent's folder; found none")
    approved = approved_bundles.approve(folder / approved_bundles.PLACE, bundle)
    typer.echo(f"{folder}: bundle {approved} may run here")
