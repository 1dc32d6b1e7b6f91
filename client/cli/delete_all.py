"""``graft-client delete-all``: everything that a platform's agent has learnt from its data is erased."""

from typing import Annotated

import typer

from client.cli.arguments import AgentFolder
from shared.system.answer import AsJson, tell


def delete_all(
    folder: AgentFolder,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase all that the agent has learnt from the platform's data; says what that cannot undo."""
    from client.agent.erasure import Erasure

    erasure = Erasure.of(folder)
    typer.echo("\n".join(erasure.lines()), err=as_json)
    if not yes:
        typer.confirm("Erase it?", abort=True, err=as_json)
    erasure.erase()
    tell({"folder": str(folder), "files": len(erasure.files)}, "erased", as_json=as_json)
