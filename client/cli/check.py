"""``graft-client check``: all that breaks the data contract in a platform folder."""

import json
from pathlib import Path
from typing import Annotated

import typer

from shared.system.command_options import USAGE_ERROR
from shared.system.progress import shown


def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The platform folder, or an SQL source's file.")],
    limit: Annotated[int, typer.Option(min=1, help="How many rows of a kind are listed; all are counted.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Count a platform folder and list all that breaks the data contract, with file, row and column.

    Rows count from 0. Ends with 0 if nothing was found, with 2 otherwise.
    """
    with shown("check"):
        from client.data.check import check_folder

        report = check_folder(folder, limit=limit)
    typer.echo(json.dumps(report.as_json(), indent=2) if as_json else "\n".join(report.lines()))
    if not report.sound:
        raise typer.Exit(USAGE_ERROR)
