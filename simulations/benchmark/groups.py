"""Groups of pairs that the page speaks of together: the mean over pairs, with intervals over pairs and users.

A class leaves out pairs of too few test users; the small sources do not, since one of them has no more. Where a group
spans all fractions, a pair's fractions are averaged first, since they have their users in common.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from client.transfer.feature import FEATURE
from simulations.benchmark.figures import (
    OVER_BEST,
    OVER_CONTENT,
    OVER_LOCAL,
    PAIRS_AVERAGED,
    Figure,
    group_place,
    interval_figure,
)
from simulations.benchmark.pairs import CLASSES, FRACTIONS
from simulations.benchmark.pooled_cells import AVERAGED_FROM, SHOWN, Cell, Float64, averaged, middle
from simulations.results.outcomes import SERVED

LARGE_SOURCES = "large sources of the same catalogue"
SMALL_SOURCES = "small sources of the same catalogue"
MEMBERS = {
    LARGE_SOURCES: ("games", "toys", "beauty", "sports"),
    SMALL_SOURCES: ("movielens", "retail", "retail-years"),
}
"""Group to its pairs with the whole catalogue in common."""


def group_figures(cells: Sequence[Cell]) -> list[Figure]:
    """Every figure of every group of which a cell is finished."""
    enough = [cell for cell in cells if cell.users >= AVERAGED_FROM]
    groups: dict[str, list[Cell]] = {
        related: [cell for cell in enough if cell.pair.pair_class == related] for related in CLASSES
    }
    groups |= {group: [cell for cell in cells if cell.pair.name in names] for group, names in MEMBERS.items()}
    return [row for group, members in groups.items() if members for row in _of_group(group, members)]


def _of_group(group: str, cells: Sequence[Cell]) -> Iterator[Figure]:
    for fraction in FRACTIONS:
        inside = [cell for cell in cells if cell.fraction == fraction]
        if not inside:
            continue
        place = group_place(group, fraction)
        yield Figure(place=place, metric=PAIRS_AVERAGED, value=len(inside))
        for metric, lifts_of in _MEASURED.items():
            for method in SHOWN:
                lifts = averaged([lifts_of(cell).get(method) for cell in inside])
                yield from interval_figure(place, method, metric, middle(lifts))
    whole = group_place(group)
    served = averaged([cell.lifts.get(SERVED) for cell in cells])
    yield from interval_figure(whole, SERVED, OVER_LOCAL, middle(served))
    yield from interval_figure(whole, FEATURE.name, OVER_BEST, middle(averaged(_fractions_averaged(cells))))


def _fractions_averaged(cells: Sequence[Cell]) -> list[Float64]:
    """A pair's lifts of ``feature`` over its best local method, mean of its fractions."""
    by_pair: dict[str, list[Float64]] = {}
    for cell in cells:
        if FEATURE.name in cell.over_best:
            by_pair.setdefault(cell.pair.name, []).append(cell.over_best[FEATURE.name])
    return [np.stack(lifts).mean(0) for lifts in by_pair.values()]


_MEASURED: dict[str, Callable[[Cell], Mapping[str, Float64]]] = {
    OVER_LOCAL: lambda cell: cell.lifts,
    OVER_BEST: lambda cell: cell.over_best,
    OVER_CONTENT: lambda cell: cell.over_content,
}
