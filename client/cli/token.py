"""``graft-client token``: who may call the service."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from client.cli.arguments import AsJson
from client.serving.tokens import add_token, known_tokens, revoke_token
from shared.system.command_options import say

TokenFile = Annotated[Path, typer.Option("--tokens", metavar="FILE", help="The file of callers.")]
Caller = Annotated[str, typer.Argument(metavar="NAME", help="The caller.")]


def add(name: Caller, tokens: TokenFile) -> None:
    """Print a new token for a caller; it cannot be read again, and an older one of theirs is void."""
    typer.echo(add_token(tokens, name, now=datetime.now(UTC)))
    say(f"the token of {name} is shown this once and kept by nobody but them; {tokens} holds its digest alone")


def revoke(name: Caller, tokens: TokenFile) -> None:
    """Make a caller's token void; a service that runs notices within a second."""
    revoke_token(tokens, name)
    typer.echo(f"{tokens}: {name} may call no more")


def show(tokens: TokenFile, as_json: AsJson = False) -> None:
    """List who may call, when each token was made (UTC), and the first digits of its SHA-256 digest."""
    rows = [token.to_json() for token in known_tokens(tokens)]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        typer.echo(f"{row['name']}: made {row['made'] or 'not said'}, digest {row['digest']}")
    if not rows:
        typer.echo(f"{tokens}: nobody may call")
