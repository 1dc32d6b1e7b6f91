"""What scorers that know the moment are worth: platforms with a clock, with and without them, beside popularity alone.

``python -m benchmarks.time_scorers DATA OUT [--write FILE]``: computed scorers alone, hashed texts, 5 events a user and
an item at least, every test target ranked over the whole catalogue. A cell of a platform, a split and a seed is a file
in OUT, and is not computed again.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.narrow_tables import narrow_tables
from benchmarks.time_platforms import PLATFORMS, TIME_SPLIT, arguments, cell_file, computed_once, prepared_platform, say
from client.data.held_out import Stage
from client.data.platform import Examples, examples, frozen
from client.ensemble.candidates import LOCAL
from client.ensemble.ensemble_settings import DEFAULT, EnsembleSettings, GapSettings
from client.ensemble.fitting import FittedStacks, fit_stacks, rank_all
from client.evaluation.lift import paired_lift
from client.evaluation.ranking import by_user
from client.features.prepared_platform import PreparedPlatform
from client.scorers.table import SCORERS, TIMED
from shared.seeding import rng_for

SPLITS = {"last": "last baskets", TIME_SPLIT: "time 80, 10, 10, live"}
LEAST_USERS = 50
"""Test users below which a cell says nothing."""
WITHOUT_GAPS = EnsembleSettings(gaps=GapSettings(least=2**31))
"""More examples than there are: weights then do not shift."""
Figures = dict[str, NDArray[np.float64]]
"""Way of ranking to NDCG@10 by user."""


def cell(data: Path, line: str, split: str, seed: int) -> dict[str, Any]:
    """All figures of one platform under one split and seed, by user."""
    prepared = prepared_platform(data, line, split, seed)
    tests = examples(prepared.platform, Stage.TEST, np.arange(prepared.platform.n_users))
    tables = {"without": {name: scorer for name, scorer in SCORERS.items() if name not in TIMED}, "with": SCORERS}
    figures: Figures = {}
    weights: dict[str, float] = {}
    for name, table in tables.items():
        settings = DEFAULT if name == "with" else WITHOUT_GAPS
        stacks = fit_stacks(prepared, {}, {LOCAL: [[]]}, seed=seed, scorers=table, settings=settings)
        figures[name] = _ranked(stacks, stacks.chosen[LOCAL].by_gap, tests)
        if name == "with":
            figures |= _beside(stacks, prepared, tests)
            weights = stacks.weights_of(LOCAL)
    return {**{name: values.tolist() for name, values in figures.items()}, "weights": weights}


def _beside(stacks: FittedStacks, prepared: PreparedPlatform, tests: Examples) -> Figures:
    """Fading popularity alone, at the half-life that is best on validation; and the stack, frozen at the cut."""
    values = {name: value for name, value in stacks.scorer_values().items() if name.startswith("recent@")}
    best = max(values, key=lambda name: values[name])
    figures = {"popularity": _ranked(stacks, (np.array(stacks.ensemble.names) == best).astype(np.float64), tests)}
    cut = prepared.platform.held_out.frozen_at
    if cut is not None:
        figures["frozen"] = _ranked(stacks, stacks.chosen[LOCAL].by_gap, frozen(tests, cut))
    return figures


def _ranked(stacks: FittedStacks, weights: NDArray[np.float64], tests: Examples) -> NDArray[np.float64]:
    (ranking,) = rank_all(stacks.ensemble, weights[None], tests)
    return by_user(ranking.ndcg, ranking.users)


def rows(cells: Mapping[tuple[str, str, int], Mapping[str, Any]]) -> Iterator[str]:
    """The table as lines of Markdown: means over seeds, the lift pooled over all users of all seeds."""
    filled = []
    for split, words in SPLITS.items():
        for name in PLATFORMS:
            platform_cells = [
                figures for (platform, by, _), figures in sorted(cells.items()) if (platform, by) == (name, split)
            ]
            if platform_cells and len(platform_cells[0]["with"]) >= LEAST_USERS:
                filled.append(_row(name, words, platform_cells))
    yield from narrow_tables(_HEADS, filled, keys=2, cuts=(6,)).splitlines()


_HEADS = ("platform", "held out", "users", "without", "popularity that fades, alone", "with", "lift %", "frozen")


def _row(name: str, split: str, platform_cells: list[Mapping[str, Any]]) -> tuple[str, ...]:
    pooled = {
        key: np.concatenate([figures[key] for figures in platform_cells])
        for key in platform_cells[0]
        if key != "weights"
    }
    means = {key: f"{values.mean():.4f}" for key, values in pooled.items()}
    lift = paired_lift(pooled["with"], pooled["without"], rng_for(0, name, split))
    lift_words = "" if lift is None else f"{lift.mean:+.1f} [{lift.low:.1f}, {lift.high:.1f}]"
    users = f"{len(platform_cells[0]['with']):,} × {len(platform_cells)}"
    return (
        name,
        split,
        users,
        means["without"],
        means["popularity"],
        means["with"],
        lift_words,
        means.get("frozen", ""),
    )


def main() -> None:
    """Compute what is missing, and print the table."""
    options = arguments(__doc__, seeds=3).parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    cells: dict[tuple[str, str, int], Any] = {}
    for seed in range(options.seeds):
        for split in SPLITS:
            for name, line in PLATFORMS.items():
                file = cell_file(options.out, line, split, seed)
                cells[name, split, seed] = computed_once(file, partial(cell, options.data, line, split, seed))
    say(rows(cells), options.write)


if __name__ == "__main__":
    main()
