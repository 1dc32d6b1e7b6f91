"""What goes with a basket: one item of each test basket is hidden, and ranked by three ways of looking at the rest.

``python -m benchmarks.basket_completion DATA OUT [--write FILE]``: computed scorers alone, hashed texts, 5 events of a
user and an item at least, the whole catalogue but for the basket's own items. A cell of a platform and a seed is a file
in OUT, and is not computed again.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from client.data.completion import completions
from client.data.folder_options import SharedPreparation
from client.data.held_out import Stage
from client.data.source import read_platform_data
from client.data.spec import parse_platform_spec
from client.ensemble.candidates import LOCAL
from client.ensemble.fitting import fit_stacks, rank_all
from client.ensemble.gaps import stacked
from client.evaluation.lift import paired_lift
from client.features.prepared_platform import prepare_platform
from client.scorers.table import COMPLETING, SCORERS
from shared.seeding import rng_for
from shared.system.whole_file import write_whole

PLATFORMS = {"uci_retail": "uci_retail,max-users=1500", "grocery_journey, repeats": "grocery_journey,repeats=keep"}
WAYS = {"session": "as a session", "pairs": "pairs alone", "basket": "as a basket"}


def cell(data: Path, line: str, seed: int) -> dict[str, list[float]]:
    """NDCG@10 of each test basket's hidden item, by way: the usual stack, pairs alone, the stack for baskets."""
    spec = parse_platform_spec(f"platform={data / line}")
    shared = SharedPreparation(min_user_events=5, min_item_events=5)
    read = read_platform_data(spec.path, spec.said_of_times)
    prepared = prepare_platform(read, spec.preparation(shared), name=spec.name, seed=seed, features="hashing")
    tests = completions(prepared.platform, Stage.TEST, np.arange(prepared.platform.n_users))
    usual = fit_stacks(prepared, {}, {LOCAL: [[]]}, seed=seed)
    (session,) = rank_all(usual.panel, usual.chosen[LOCAL].by_gap[None], tests)
    asked = fit_stacks(prepared, {}, {LOCAL: [[]]}, seed=seed, scorers={**SCORERS, **COMPLETING}, question=completions)
    alone = np.array([name == "basket-pairs" for name in asked.panel.names], np.float64)
    pairs, basket = rank_all(asked.panel, stacked([alone, asked.chosen[LOCAL].by_gap]), tests)
    return {name: one.ndcg.tolist() for name, one in zip(WAYS, (session, pairs, basket), strict=True)}


def rows(cells: Mapping[tuple[str, int], Mapping[str, Any]]) -> Iterator[str]:
    """The table as lines of Markdown: means over seeds, lifts pooled over all baskets of all seeds."""
    yield f"| platform | baskets | {' | '.join(WAYS.values())} | over a session % | over pairs % |"
    yield "|---|---|---|---|---|---|---|"
    for name in PLATFORMS:
        found = [one for (platform, _), one in sorted(cells.items()) if platform == name]
        if found:
            yield _row(name, found)


def _row(name: str, found: list[Mapping[str, Any]]) -> str:
    pooled = {way: np.concatenate([one[way] for one in found]) for way in WAYS}
    lifts = [paired_lift(pooled["basket"], pooled[way], rng_for(0, name, way)) for way in ("session", "pairs")]
    said = ["" if one is None else f"{one.mean:+.1f} [{one.low:.1f}, {one.high:.1f}]" for one in lifts]
    baskets = f"{len(found[0]['basket']):,} × {len(found)}"
    return f"| {' | '.join((name, baskets, *(f'{pooled[way].mean():.4f}' for way in WAYS), *said))} |"


def main() -> None:
    """Compute what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    cells: dict[tuple[str, int], Any] = {}
    for seed in range(asked.seeds):
        for name, line in PLATFORMS.items():
            file = asked.out / f"{line}-{seed}.json".replace(",", "_")
            if not file.exists():
                write_whole(file, json.dumps(cell(asked.data, line, seed)).encode())
                print(file.name, flush=True)
            cells[name, seed] = json.loads(file.read_text())
    table = "\n".join(rows(cells))
    print(table)
    if asked.write:
        asked.write.write_text(f"{table}\n")


if __name__ == "__main__":
    main()
