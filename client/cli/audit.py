"""``graft-client audit``: what has left a platform, in plain words."""

from typing import Annotated

import typer

from client.cli.arguments import AgentFolder
from shared.system.answer import tell


def audit(
    folder: AgentFolder,
    as_json: Annotated[bool, typer.Option("--json", help="Print the ledger as JSON.")] = False,
) -> None:
    """Say in plain words what has left this platform, when, and how many bytes."""
    from client.guard.ledger import read_audit

    report = read_audit(folder)
    tell(report.to_json(), "\n".join(report.text()), as_json=as_json)
