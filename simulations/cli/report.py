"""``graft-sim report``: a run's report again."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer


def report(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run.")],
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print result.json.")] = False,
) -> None:
    """Write report.html again from result.json."""
    from simulations.report.html_report import REPORT_FILE, write_report
    from simulations.results.result_document import RESULT_FILE, read_result
    from simulations.results.table import markdown_table

    document = read_result(out / RESULT_FILE)
    write_report(document, out / REPORT_FILE)
    if as_json:
        sys.stdout.write(json.dumps(document, indent=1) + "\n")
    elif markdown:
        sys.stdout.write(markdown_table(document))
