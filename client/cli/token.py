"""``graft-client token``: who may call the service."""

from pathlib import Path
from typing import Annotated

import typer

from client.serving.tokens import add_token, revoke_token

TokenFile = Annotated[Path, typer.Option("--tokens", metavar="FILE", help="The file of callers.")]
Caller = Annotated[str, typer.Argument(metavar="NAME", help="The caller.")]


def add(name: Caller, tokens: TokenFile) -> None:
    """Print a new token for a caller; it cannot be read again, and an older one of his is void."""
    typer.echo(add_token(tokens, name))


def revoke(name: Caller, tokens: TokenFile) -> None:
    """Make a caller's token void; a service that runs notices within a second."""
    revoke_token(tokens, name)
    typer.echo(f"{tokens}: {name} may call no more")
