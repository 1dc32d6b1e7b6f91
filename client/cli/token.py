"""``graft-client token``: who may call the service."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from client.serving.tokens import add_token, known_tokens, revoke_token
from shared.system.answer import AsJson, tell
from shared.system.command_options import say

TokenFile = Annotated[Path, typer.Option("--tokens", metavar="FILE", help="The file of callers.")]
Caller = Annotated[str, typer.Argument(metavar="NAME", help="The caller.")]


def add(name: Caller, tokens: TokenFile, as_json: AsJson = False) -> None:
    """Print a new token for a caller; it cannot be read again, and an older one of theirs is void."""
    token = add_token(tokens, name, now=datetime.now(UTC))
    tell({"name": name, "token": token}, token, as_json=as_json)
    say(f"the token of {name} is shown this once and kept by nobody but them; {tokens} holds its digest alone")


def revoke(name: Caller, tokens: TokenFile, as_json: AsJson = False) -> None:
    """Make a caller's token void; a service that runs notices within a second."""
    revoke_token(tokens, name)
    tell({"name": name, "tokens": str(tokens)}, f"{tokens}: {name} may call no more", as_json=as_json)


def show(tokens: TokenFile, as_json: AsJson = False) -> None:
    """List who may call, when each token was made (UTC), and the first digits of its SHA-256 digest."""
    rows = [token.to_json() for token in known_tokens(tokens)]
    lines = [f"{row['name']}: made {row['made'] or 'not said'}, digest {row['digest']}" for row in rows]
    tell(rows, "\n".join(lines or [f"{tokens}: nobody may call"]), as_json=as_json)
