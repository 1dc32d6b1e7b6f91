"""What goes with a basket: one item of each test basket is hidden, and ranked by three ways of looking at the rest.

``python -m benchmarks.basket_completion DATA OUT [--write FILE]``: computed scorers alone, hashed texts, 5 events of a
user and an item at least, the whole catalogue but for the basket's own items. A cell of a platform and a seed is a file
in OUT, and is not computed again.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.narrow_tables import narrow_tables
from benchmarks.time_platforms import PLATFORMS, arguments, cell_file, computed_once, prepared_platform, say
from client.data.completion import completions
from client.data.held_out import Stage
from client.ensemble.candidates import LOCAL
from client.ensemble.cross_fitting import Counted
from client.ensemble.fitting import fit_stacks, rank_all
from client.ensemble.gaps import stacked
from client.evaluation.lift import paired_lift
from client.scorers.table import COMPLETING, SCORERS
from shared.seeding import rng_for

WITH_BASKETS = ("uci_retail", "grocery_journey, repeats")
WAYS = {"session": "as a session", "pairs": "pairs alone", "basket": "as a basket"}


def cell(data: Path, line: str, seed: int) -> dict[str, list[float]]:
    """NDCG@10 of each test basket's hidden item, by way: the usual stack, pairs alone, the stack for baskets."""
    prepared, counted = prepared_platform(data, line, "last", seed), Counted()
    tests = completions(prepared.platform, Stage.TEST, np.arange(prepared.platform.n_users))
    usual = fit_stacks(prepared, {}, {LOCAL: [[]]}, seed=seed, counted=counted)
    (session,) = rank_all(usual.ensemble, usual.chosen[LOCAL].by_gap[None], tests)
    table = {**SCORERS, **COMPLETING}
    basket_stacks = fit_stacks(
        prepared, {}, {LOCAL: [[]]}, seed=seed, scorers=table, question=completions, counted=counted
    )
    alone = np.array([name == "basket-pairs" for name in basket_stacks.ensemble.names], np.float64)
    pairs, basket = rank_all(basket_stacks.ensemble, stacked([alone, basket_stacks.chosen[LOCAL].by_gap]), tests)
    return {name: ranking.ndcg.tolist() for name, ranking in zip(WAYS, (session, pairs, basket), strict=True)}


def rows(cells: Mapping[tuple[str, int], Mapping[str, Any]]) -> Iterator[str]:
    """The table as lines of Markdown: means over seeds, lifts pooled over all baskets of all seeds."""
    filled = []
    for name in WITH_BASKETS:
        platform_cells = [figures for (platform, _), figures in sorted(cells.items()) if platform == name]
        if platform_cells:
            filled.append(_row(name, platform_cells))
    heads = ("platform", "baskets", *WAYS.values(), "over a session %", "over pairs %")
    yield from narrow_tables(heads, filled, keys=1, cuts=(5,)).splitlines()


def _row(name: str, platform_cells: list[Mapping[str, Any]]) -> tuple[str, ...]:
    pooled = {way: np.concatenate([figures[way] for figures in platform_cells]) for way in WAYS}
    lifts = [paired_lift(pooled["basket"], pooled[way], rng_for(0, name, way)) for way in ("session", "pairs")]
    lift_words = ["" if lift is None else f"{lift.mean:+.1f} [{lift.low:.1f}, {lift.high:.1f}]" for lift in lifts]
    baskets = f"{len(platform_cells[0]['basket']):,} × {len(platform_cells)}"
    return (name, baskets, *(f"{pooled[way].mean():.4f}" for way in WAYS), *lift_words)


def main() -> None:
    """Compute what is missing, and print the table."""
    options = arguments(__doc__, seeds=3).parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    cells: dict[tuple[str, int], Any] = {}
    for seed in range(options.seeds):
        for name in WITH_BASKETS:
            line = PLATFORMS[name]
            cells[name, seed] = computed_once(
                cell_file(options.out, line, "last", seed), partial(cell, options.data, line, seed)
            )
    say(rows(cells), options.write)


if __name__ == "__main__":
    main()
