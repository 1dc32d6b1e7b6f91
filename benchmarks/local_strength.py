"""Is the local recommender strong? ``local`` against the baseline that validation would pick, on seven platforms.

    python benchmarks/local_strength.py DATA [--out DIR] [--seed N]

DATA holds the platform folders. One ``graft-sim run`` per fraction of training users goes to DIR; a run whose result
is there is not repeated. Prints the table in Markdown.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.narrow_tables import narrow_tables
from client.evaluation.lift import paired_lift
from client.transfer.table import local_methods, names_of
from shared.errors import DataError
from shared.seeding import rng_for
from simulations.benchmark.cells import is_finished
from simulations.benchmark.pooled_cells import best_by_validation, validation_of
from simulations.config.run_config import RunConfig
from simulations.results.result_document import PER_USER_FILE, RESULT_FILE, read_result
from simulations.run.run_command import execute
from simulations.run.whole_run import run
from simulations.run.workers import cores

FRACTIONS = (1, 0.2, 0.05)
PLATFORMS = {
    "industrial": "amazon_industrial",
    "movielens": "movielens_small,min-rating=4",
    "retail": "uci_retail",
    "beauty": "amazon_beauty",
    "toys": "amazon_toys",
    "giftcards": "amazon_giftcards,min-rating=4",
    "news": "mind_news",
}


def run_fraction(data: Path, fraction: float, folder: Path, seed: int) -> None:
    """The run at one fraction, unless its result is there."""
    if is_finished(folder):
        return
    platforms = [f"{name}={data}/{line},max-users=3000,fraction={fraction}" for name, line in PLATFORMS.items()]
    config = RunConfig.from_dict(
        {
            "platform": platforms,
            "methods": list(local_methods()),
            "min_user_events": 5,
            "min_item_events": 5,
            "seed": seed,
        }
    )
    execute(config, folder, runner=partial(run, jobs=cores()), say=print, force=True)


def cell(folder: Path, platform: str, seed: int) -> dict[str, Any]:
    """``local`` against the best baseline by validation, with the paired 95 % interval over users."""
    methods = read_result(folder / RESULT_FILE)["platforms"][platform]["methods"]
    best = best_by_validation(validation_of(methods), names_of(lambda method: method.baseline is not None))
    users = pl.read_parquet(folder / PER_USER_FILE).filter(pl.col("platform") == platform)
    local, other = (users.filter(pl.col("method") == name).sort("user")["ndcg@10"] for name in ("local", best))
    lift = paired_lift(local.to_numpy(), other.to_numpy(), rng_for(seed, "strength", platform))
    if lift is None:
        raise DataError(f"{best} found nothing on {platform}")
    return {
        "local": float(local.mean()),  # type: ignore[arg-type]
        "stack": methods["stack"]["ndcg@10"],
        "best": best,
        "value": float(other.mean()),  # type: ignore[arg-type]
        "lift": lift,
        "users": len(local),
        "chosen": methods["local"]["tuned"]["stack"][0],
    }


def main() -> None:
    """Run what is missing, print the table and the two figures that it is about."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("out/local_strength"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rows = []
    for fraction in FRACTIONS:
        folder = options.out / f"seed-{options.seed}" / f"fraction-{fraction}"
        run_fraction(options.data, fraction, folder, options.seed)
        rows += [(name, fraction, cell(folder, name, options.seed)) for name in PLATFORMS]
    print(narrow_tables(_HEADS, [_row(name, fraction, figures) for name, fraction, figures in rows], keys=2, cuts=(6,)))
    ratios = [1 + figures["lift"].mean / 100 for _, _, figures in rows]
    below = sum(figures["lift"].high < 0 for _, _, figures in rows)
    print(f"Mean ratio over {len(rows)} cells {sum(ratios) / len(ratios):.3f}; below beyond noise in {below} cells.")


_HEADS = (
    *("platform", "fraction", "users", "`local`", "best by validation", "its NDCG@10"),
    *("ratio", "lift, %", "chosen"),
)


def _row(name: str, fraction: float, figures: dict[str, Any]) -> list[object]:
    lift = figures["lift"]
    return [
        *(name, fraction, figures["users"], f"{figures['local']:.4f}", figures["best"], f"{figures['value']:.4f}"),
        f"{1 + lift.mean / 100:.2f}",
        f"{lift.mean:+.1f} [{lift.low:+.1f}, {lift.high:+.1f}]",
        figures["chosen"],
    ]


if __name__ == "__main__":
    main()
