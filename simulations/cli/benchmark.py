"""``graft-sim benchmark``: the grid of pairs, federations and ways."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def benchmark(
    data: Annotated[Path, typer.Argument(metavar="DIR", help="The folder that holds the platform folders.")],
    pairs: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...", help="Pairs, federations and comparisons of ways, commas between them. Default: all."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds are run: 0, 1, ...")] = 3,
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Where finished cells lie and new ones go; with --tables, also a file of figures."
        ),
    ] = Path("out/benchmark"),
    tables: Annotated[bool, typer.Option("--tables", help="Only print the tables of what is finished.")] = False,
    figures: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write every figure of what is finished to this Parquet file, one a row. Default: none.",
        ),
    ] = None,
    known_pairs: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write what graft-client assess should know of the pairs to this file. Default: none.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every figure as JSON in place of the tables.")] = False,
) -> None:
    """Run the grid of pairs, federations and ways, leaving out what is finished; print its tables in Markdown."""
    from client.gate.expectation import write_pairs
    from shared.errors import ConfigError
    from shared.system.whole_file import write_whole
    from simulations.benchmark.cells import PRETRAINED_FOLDER, Grid, run_cells
    from simulations.benchmark.figure_table import read_figures, write_figures
    from simulations.benchmark.foretold import measured_cells
    from simulations.benchmark.measure import measured_figures
    from simulations.benchmark.page import document, page
    from simulations.run.whole_run import run as run_methods
    from simulations.run.workers import cores

    grid = Grid().only([name.strip() for name in (pairs or "").split(",") if name.strip()])
    if out.is_file() and (pairs or not tables):
        raise ConfigError(f"out must be a folder where cells are run or chosen by --pairs; {out} is a file")
    if not tables:
        runner = partial(run_methods, jobs=cores(), pretrained=out / PRETRAINED_FOLDER)
        run_cells(grid.entries(), tuple(range(seeds)), data, out, Console(stderr=True, highlight=False).print, runner)
    measured = read_figures(out) if out.is_file() else measured_figures(grid, out)
    if figures is not None:
        write_figures(measured, figures)
    if known_pairs is not None:
        known = [pair for pair, _ in measured_cells(measured)]
        write_whole(known_pairs, write_pairs(known).encode("utf-8"))
    told = json.dumps(document(measured, grid), indent=1, allow_nan=False) + "\n" if as_json else page(measured, grid)
    sys.stdout.write(told)
