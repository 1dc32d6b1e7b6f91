"""The tables of docs/results/transfer.md, made from figures alone."""

from typing import Any

from simulations.benchmark.bars import SEEDS_ASKED, Evidence, bars_table, served_below_local
from simulations.benchmark.cells import Grid
from simulations.benchmark.federations import federation_table
from simulations.benchmark.figure_table import figure_rows
from simulations.benchmark.figures import Figures
from simulations.benchmark.foretold import clear_answers, foretold, foretold_table, measured_cells
from simulations.benchmark.table import class_table, pair_table
from simulations.benchmark.three_way import three_way_table


def page(figures: Figures, grid: Grid) -> str:
    """Every table in Markdown, classes of pairs first, and at the end which cells of the grid are missing.

    Args:
        figures: of the finished cells.
        grid: what is run.

    Returns:
        The tables of docs/results/transfer.md.
    """
    forecasts = foretold(measured_cells(figures))
    evidence = Evidence(figures=figures, served_below=served_below_local(figures), answers=clear_answers(forecasts))
    tables = (
        class_table(figures),
        bars_table(evidence),
        pair_table(figures),
        federation_table(figures),
        three_way_table(figures),
        foretold_table(forecasts),
        missing_cells(figures, grid),
    )
    return "\n".join(tables)


def document(figures: Figures, grid: Grid) -> dict[str, Any]:
    """What the tables are made from, as ``graft-sim benchmark --json`` prints it.

    Args:
        figures: of the finished cells.
        grid: what is run.

    Returns:
        Every figure as a row of the table of figures, and the seeds that are missing by entry of the grid.
    """
    return {"figures": figure_rows(figures), "missing": missing_seeds(figures, grid)}


def missing_seeds(figures: Figures, grid: Grid) -> dict[str, list[int]]:
    """The seeds of which there is no figure.

    Args:
        figures: of the finished cells.
        grid: what is run; each entry is expected under the seeds below ``SEEDS_ASKED``.

    Returns:
        Name of an entry to its missing seeds, ascending; entries that lack none are left out.
    """
    expected_seeds = range(SEEDS_ASKED)
    missing = {entry.name: sorted({*expected_seeds} - {*figures.seeds(entry.name)}) for entry in grid.entries()}
    return {name: seeds for name, seeds in missing.items() if seeds}


def missing_cells(figures: Figures, grid: Grid) -> str:
    """One sentence that names the entries and seeds of which there is no figure.

    Args:
        figures: of the finished cells.
        grid: what is run.

    Returns:
        The sentence, with an end of line.
    """
    missing = missing_seeds(figures, grid)
    named = [f"{name} (seeds {', '.join(map(str, seeds))})" for name, seeds in missing.items()]
    return f"Cells that are missing: {'; '.join(named) if named else 'none'}.\n"
