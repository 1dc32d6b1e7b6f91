"""``graft-sim compare``: two runs, user by user."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def compare(
    first: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run.")],
    second: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the run that is compared with it.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
) -> None:
    """Compare two runs by user: differences of NDCG@10 on each platform under each method, with 95 % intervals.

    Both runs must have prepared the platforms that they share in the same way; fraction alone may differ.
    """
    from simulations.report.comparison import compare as compare_runs
    from simulations.report.comparison import heading, markdown_comparison, rich_comparison

    comparison = compare_runs(first, second)
    if as_json:
        sys.stdout.write(json.dumps(comparison.to_json(), indent=1, allow_nan=False) + "\n")
        return
    if markdown:
        sys.stdout.write(markdown_comparison(comparison))
        return
    terminal = Console(highlight=False)
    terminal.print("\n".join(heading(comparison)), markup=False)
    terminal.print(rich_comparison(comparison, terminal.width))
