"""``graft-client privacy``: what users were promised, what they have spent, and what a run would cost and bring."""

from typing import Annotated

import typer

from client.cli.arguments import AgentFolder
from shared.system.answer import tell


def privacy(
    folder: AgentFolder,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, with every entry of the ledger.")] = False,
) -> None:
    """Say what this platform's users are promised, what releases have cost them, and what the next one would bring."""
    from client.agent.home import AgentHome
    from client.agent.privacy_report import privacy_report

    report = privacy_report(AgentHome.existing(folder))
    tell(report.to_json(), "\n".join(report.text()), as_json=as_json)
