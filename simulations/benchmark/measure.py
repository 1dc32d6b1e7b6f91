"""From a folder of finished cells to their figures: of each run, then of all seeds of each entry and of groups."""

from pathlib import Path

from simulations.benchmark.cells import Grid, finished
from simulations.benchmark.federations import federation_figures, pooled_federations
from simulations.benchmark.figures import Figure, Figures
from simulations.benchmark.groups import group_figures
from simulations.benchmark.pooled_cells import cells, pooled_figures
from simulations.benchmark.run_figures import run_figures
from simulations.benchmark.three_way import pooled_ways


def measured_figures(grid: Grid, folder: Path) -> Figures:
    """The figures of every finished cell of the grid.

    Args:
        grid: the entries that are looked for.
        folder: holds a folder for each entry and seed.

    Raises:
        DataError: if a file of a finished cell cannot be read.
    """
    ways = list(finished(grid.three_ways, folder))
    runs = [
        *((pair.name, pair.pair_class, seed, cell) for pair, seed, cell in finished(grid.pairs, folder)),
        *((federation.name, "", seed, cell) for federation, seed, cell in finished(grid.federations, folder)),
        *((way.name, way.pair.pair_class, seed, cell) for way, seed, cell in ways),
    ]
    measured = cells(finished(grid.pairs, folder))
    federations = federation_figures(finished(grid.federations, folder))
    rows: list[Figure] = [
        *(row for run in runs for row in run_figures(*run)),
        *pooled_figures(measured),
        *group_figures(measured),
        *pooled_federations(federations),
        *pooled_ways(ways),
    ]
    return Figures(rows)
