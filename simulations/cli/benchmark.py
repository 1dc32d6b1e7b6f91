"""``graft-sim benchmark``: the grid of pairs, federations and ways."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def benchmark(
    data: Annotated[Path, typer.Argument(help="The folder that holds the platform folders.")],
    pairs: Annotated[
        str | None, typer.Option(help="Names of pairs, federations and comparisons of ways, commas between them [all].")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds, from 0.")] = 3,
    out: Annotated[Path, typer.Option(help="Where finished cells lie and new ones go.")] = Path("out/benchmark"),
    tables: Annotated[bool, typer.Option(help="Only print the tables of what is finished.")] = False,
    known_pairs: Annotated[
        Path | None, typer.Option(help="Also write what graft-client assess should know of the pairs to this file.")
    ] = None,
) -> None:
    """Run the grid of pairs, federations and ways, leaving out what is finished; print its tables in Markdown."""
    from client.gate.expectation import write_pairs
    from shared.system.whole_file import write_whole
    from simulations.benchmark.bars import Evidence, bars_table, served_below_local
    from simulations.benchmark.cells import PRETRAINED_FOLDER, Grid, finished, run_cells
    from simulations.benchmark.federations import federation_figures, federation_table
    from simulations.benchmark.foretold import clear_answers, foretold, foretold_table, measured_cells
    from simulations.benchmark.table import cells, class_table, pair_table
    from simulations.benchmark.three_way import three_way_table
    from simulations.run.whole_run import run as run_methods
    from simulations.run.workers import cores

    grid = Grid().only([name.strip() for name in (pairs or "").split(",") if name.strip()])
    if not tables:
        runner = partial(run_methods, jobs=cores(), pretrained=out / PRETRAINED_FOLDER)
        run_cells(grid.entries(), tuple(range(seeds)), data, out, Console(stderr=True, highlight=False).print, runner)
    found = cells(finished(grid.pairs, out))
    measured = measured_cells(finished(grid.pairs, out))
    if known_pairs is not None:
        write_whole(known_pairs, write_pairs(known for known, _ in measured).encode("utf-8"))
    said = foretold(measured)
    together = federation_figures(finished(grid.federations, out))
    ways = three_way_table(list(finished(grid.three_ways, out)))
    below = served_below_local(finished(grid.pairs, out))
    asked = bars_table(Evidence(cells=found, served_below=below, federations=together, answers=clear_answers(said)))
    shown = (class_table(found), pair_table(found), federation_table(together), ways, foretold_table(said))
    sys.stdout.write("\n".join((asked, *shown)))
