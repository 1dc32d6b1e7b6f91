"""``graft-sim compare``: two runs, user by user."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def compare(
    first: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run.")],
    others: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="The folders of the runs that are compared with it.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON; a list of several.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the tables as Markdown.")] = False,
    picture: Annotated[
        Path | None,
        typer.Option(
            "--picture", metavar="FILE", help="Draw them too: a .png, .svg or .pdf. Without it nothing is drawn."
        ),
    ] = None,
) -> None:
    """Compare runs with a first one by user.

    Shown are differences of NDCG@10 on each platform under each method, with 95 % intervals.
    All runs must have prepared the platforms that they share with the first in the same way; fraction alone may differ.
    """
    from simulations.report.comparison import compare as compare_runs
    from simulations.report.comparison import heading, markdown_comparison, rich_comparison
    from simulations.report.comparison_figure import write_picture

    comparisons = [compare_runs(first, other) for other in others]
    if picture is not None:
        write_picture(comparisons, picture)
    if as_json:
        documents = [comparison.to_json() for comparison in comparisons]
        told = documents[0] if len(documents) == 1 else documents
        sys.stdout.write(json.dumps(told, indent=1, allow_nan=False) + "\n")
        return
    if markdown:
        sys.stdout.write("\n".join(map(markdown_comparison, comparisons)))
        return
    terminal = Console(highlight=False)
    for comparison in comparisons:
        terminal.print("\n".join(heading(comparison)), markup=False)
        terminal.print(rich_comparison(comparison, terminal.width))
