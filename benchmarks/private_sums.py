"""What one noise for the sum of eight shops leaves of the linear part: by likelihood, and by fitted stack and gate.

    python -m benchmarks.private_sums DATA OUT [--seeds 3] [--how plain private masked-private] [--table FILE]

Eight shops of 1,800 users each are cut from one (``amazon_games``, vectors of a text model); runs of a federation over
them make the encoder, by exact moments (plain), with a noise of each shop's own (private), or with one for the sum
(masked-private), at ε 8. Other users of the shop judge it, as several platforms, as in
``benchmarks/privacy_utility.py``. One JSON a cell in OUT; what stands there is not measured again.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.narrow_tables import narrow_tables
from benchmarks.next_item import NextItems
from benchmarks.privacy_utility import FEW, by_stack
from client.data.folder_options import SharedPreparation
from client.data.source import read_platform_data
from client.data.spec import parse_platform_spec
from client.features.prepared_platform import PreparedPlatform, prepare_platform
from client.transfer.feature import own_pairs
from shared.encoder.cross import CatalogueMoments
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.file import EncoderCard
from shared.federation.config import RoundsConfig
from shared.system.whole_file import write_whole
from simulations.federation.held_federation import run_held_federation

FOLDER, FEATURES = "amazon_games", "precomputed"
SHOPS, USERS, PERCENT = 8, 1_800, 4
"""percent of the folder's users from which each shop's are drawn"""
JUDGED = ("97-100", "40-43", "50-53", "60-63", "70-73", "80-83")
"""users of each platform that judges: that of benchmarks/privacy_utility.py, and others, since one alone has too few"""
EPSILON = 8.0
Float64 = NDArray[np.float64]
HOWS = ("plain", "private", "masked-private")
FURTHER: dict[str, dict[str, Any]] = {
    "plain": {},
    "private": {"epsilon": EPSILON},
    "masked-private": {"epsilon": EPSILON, "robust": "none", "min_platforms": 3},
}
"""options of each mode beside the mode"""


def main() -> None:
    """Measure what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the platform folders")
    parser.add_argument("out", type=Path, help="folder for the cells")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--how", nargs="+", default=list(HOWS), choices=HOWS)
    parser.add_argument("--table", type=Path, help="file for the table of all cells in OUT")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for judged in JUDGED:
        for seed in range(options.seeds):
            files = {how: options.out / f"{how}-{seed}-{judged}.json" for how in options.how}
            if missing := [how for how, file in files.items() if not file.exists()]:
                _measure(missing, seed, judged, options.data, files)
    if options.table is not None:
        cells = [json.loads(file.read_text("utf-8")) for file in sorted(options.out.glob("*.json"))]
        write_whole(options.table, table(cells).encode("utf-8"))


def _measure(hows: Sequence[str], seed: int, users: str, data: Path, files: dict[str, Path]) -> None:
    cuts = {
        f"shop-{number}": f"users={PERCENT * number}-{PERCENT * (number + 1)},train-users={USERS}"
        for number in range(SHOPS)
    }
    shops = {name: _prepared(data, name, cut, seed) for name, cut in cuts.items()}
    judged = _prepared(data, FOLDER, f"users={users}", seed)
    few = _prepared(data, FOLDER, f"users={users},fraction={FEW}", seed)
    next_items = NextItems(judged, seed)
    for how in hows:
        start = time.monotonic()
        encoder, history = _encoder_of(shops, how, seed)
        figures: dict[str, Any] = {"how": how, "seed": seed, "judged": users, "seconds": time.monotonic() - start}
        figures |= {"notes": [entry["note"] for entry in history]}
        figures |= next_items.judged(encoder.linear_on(judged.features, own_pairs(judged)))
        figures |= by_stack(few, encoder, seed)
        write_whole(files[how], json.dumps(figures).encode("utf-8"))
        shown = {key: value for key, value in figures.items() if not key.endswith("_ndcg")}
        print(json.dumps(shown), flush=True)


def _prepared(data: Path, name: str, part: str, seed: int) -> PreparedPlatform:
    spec = parse_platform_spec(f"{name}={data / FOLDER},{part}")
    folder = read_platform_data(spec.path, spec.said_of_times)
    return prepare_platform(folder, spec.preparation(SharedPreparation()), name=name, seed=seed, features=FEATURES)


def _encoder_of(shops: dict[str, PreparedPlatform], how: str, seed: int) -> tuple[Encoder, tuple[dict[str, Any], ...]]:
    """What a run without training rounds leaves, and its history."""
    shop = next(iter(shops.values()))
    start = Encoder.initial(EncoderSpec(preset="small", input_dim=shop.space.dim, feature_space=shop.space), 0)
    config = RoundsConfig(seed=seed, rounds=0, privacy=how, **FURTHER[how])  # type: ignore[arg-type]
    card = EncoderCard(catalogue=CatalogueMoments.of(shop.features))
    with tempfile.TemporaryDirectory() as folder:
        result = run_held_federation(shops, start.without_sequence(), config, folder=Path(folder), card=card)
    return result.encoder, result.history


def table(cells: list[dict[str, Any]]) -> str:
    """The page."""
    lines = ["# One noise for the sum of eight shops", "", "```sh"]
    lines += ["python -m benchmarks.private_sums DATA OUT --table docs/results/private-sums.md", "```", "", _HEAD, ""]
    names = ("run", "cells", "nats", "stack: lift over local", "share of plain", "served: lift", "share of plain")
    done = [(cell["judged"], cell["seed"]) for cell in cells]
    whole = [cell for cell in cells if done.count((cell["judged"], cell["seed"])) == len(HOWS)]
    by_run = {how: [cell for cell in whole if cell["how"] == how] for how in HOWS}
    judged = [users for users in JUDGED if any(cell["judged"] == users for cell in whole)]
    filled = []
    for how, run_cells in by_run.items():
        nats = f"{np.mean([cell['nats'] for cell in run_cells]):.4f}"
        columns = [_columns(run_cells, by_run["plain"], which) for which in ("feature", "served")]
        filled.append((how, len(run_cells), nats, *chain.from_iterable(columns)))
    lines += [narrow_tables(names, filled, keys=1, cuts=(5,)), "By platform that judges, lifts of the stack:", ""]
    lines += [f"| run | {' | '.join(judged)} |", "|---" * (1 + len(judged)) + "|"]
    for how, run_cells in by_run.items():
        lifts = [_lift([cell for cell in run_cells if cell["judged"] == users], "feature") for users in judged]
        lines.append(f"| {how} | {' | '.join(f'{lift:+.1f} %' for lift in lifts)} |")
    return "\n".join([*lines, ""])


_HEAD = (
    f"Eight shops of {USERS:,} users each, cut from `{FOLDER}`, vectors of a text model; runs without training rounds, "
    "ε 8 at δ 10⁻⁶, noise against one other platform. Other users of that shop judge, as platforms of 3 % of its "
    "users, with a fifth of whom stack and gate are fitted: NDCG@10 of all their test events. A cell is a platform "
    "that judges and a seed. Nats as in [privacy.md](privacy.md). Served is what the gate lets answer. Intervals of "
    "95 % resample users."
)


def _columns(cells: list[dict[str, Any]], plain: list[dict[str, Any]], which: str) -> tuple[str, str]:
    low, high = _interval(cells, which)
    share = f"{100 * _lift(cells, which) / _lift(plain, which):.0f} %" if cells is not plain else ""
    return f"{_lift(cells, which):+.1f} % [{low:+.1f}, {high:+.1f}]", share


def _lift(cells: list[dict[str, Any]], which: str) -> float:
    """In percent, of the mean over cells; users of all count alike."""
    gains, local = _by_user(cells, which)
    return float(100 * gains.mean() / local.mean())


def _by_user(cells: list[dict[str, Any]], which: str) -> tuple[Float64, Float64]:
    """What each user of all cells gains, and what the local recommender has with them."""
    gains = [
        np.subtract(cell["feature_ndcg"], cell["local_ndcg"]) * (which == "feature" or cell["serves"] != "local")
        for cell in cells
    ]
    return np.concatenate(gains), np.concatenate([np.asarray(cell["local_ndcg"]) for cell in cells])


def _interval(cells: list[dict[str, Any]], which: str) -> tuple[float, float]:
    gains, local = _by_user(cells, which)
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, len(gains), len(gains)) for _ in range(2000)]
    low, high = np.quantile([100 * gains[rows].mean() / local[rows].mean() for rows in drawn], [0.025, 0.975])
    return float(low), float(high)


if __name__ == "__main__":
    main()
