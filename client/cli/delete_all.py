"""``graft-client delete-all``: everything that a platform's agent has learnt from its data is erased."""

from typing import Annotated

import typer

from client.cli.arguments import AgentFolder


def delete_all(
    folder: AgentFolder,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase all that the agent has learnt from the platform's data; says what that cannot undo."""
    from client.agent.erasure import Erasure

    erasure = Erasure.of(folder)
    typer.echo("\n".join(erasure.lines()))
    if not yes:
        typer.confirm("Erase it?", abort=True)
    erasure.erase()
    typer.echo("erased")
