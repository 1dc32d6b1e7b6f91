"""``graft-client audit``: what has left a platform, in plain words."""

import json
from typing import Annotated

import typer

from client.cli.arguments import AgentFolder


def audit(
    folder: AgentFolder,
    as_json: Annotated[bool, typer.Option("--json", help="Print the ledger as JSON.")] = False,
) -> None:
    """Say in plain words what has left this platform, when, and how many bytes."""
    from client.guard.ledger import read_audit

    report = read_audit(folder)
    typer.echo(json.dumps(report.to_json(), indent=2) if as_json else "\n".join(report.text()))
