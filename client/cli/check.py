"""``graft-client check``: all that breaks the data contract in a platform folder."""

from typing import Annotated

import typer

from client.cli.arguments import PlatformLine
from shared.system.answer import tell
from shared.system.command_options import USAGE_ERROR
from shared.system.progress import shown


def check(
    folder: PlatformLine,
    limit: Annotated[int, typer.Option(min=1, help="How many rows of a kind are listed; all are counted.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Count a platform folder, say what its times are, and list all that breaks the data contract, with file and row.

    Rows count from 0. Ends with 0 if nothing was found, with 2 otherwise.
    """
    with shown("check"):
        from client.data.check import check_folder
        from client.data.spec import parse_folder

        spec = parse_folder(folder)
        report = check_folder(spec.path, spec.said_of_times, options=spec, limit=limit)
    tell(report.as_json(), "\n".join(report.lines()), as_json=as_json)
    if not report.sound:
        raise typer.Exit(USAGE_ERROR)
