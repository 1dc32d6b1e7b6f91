"""``graft-sim export``: a run's figures as CSV."""

from pathlib import Path
from typing import Annotated

import typer

from shared.system.answer import AsJson, tell


def export(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run.")],
    csv: Annotated[
        Path,
        typer.Option(
            metavar="PATH", help="A file whose name ends in .csv for the methods' table, or a folder for both tables."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Write a run's figures as CSV: a row per platform, method and seed; into a folder also one per user."""
    from simulations.report.export import export_csv

    files = [str(file) for file in export_csv(out, csv)]
    tell({"files": files}, "\n".join(files), as_json=as_json)
