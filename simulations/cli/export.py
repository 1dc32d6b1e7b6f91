"""``graft-sim export``: a run's figures as CSV."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def export(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run.")],
    csv: Annotated[
        Path,
        typer.Option(
            metavar="PATH", help="A file whose name ends in .csv for the methods' table, or a folder for both tables."
        ),
    ],
) -> None:
    """Write a run's figures as CSV: a row per platform, method and seed; into a folder also one per user."""
    from simulations.report.export import export_csv

    for file in export_csv(out, csv):
        sys.stdout.write(f"{file}\n")
