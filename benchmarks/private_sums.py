"""What one noise for the sum of eight shops leaves of the linear part: by likelihood, and by fitted stack and gate.

    python -m benchmarks.private_sums DATA OUT [--seeds 3] [--how plain private masked-private] [--table FILE]

Eight shops of 1,800 users each are cut from one (``amazon_games``, vectors of a text model); runs of a federation over
them make the encoder, by exact moments (plain), with a noise of each shop's own (private), or with one for the sum
(masked-private), at ε 8. Other users of the shop judge it, as in ``benchmarks/privacy_utility.py``. One JSON a cell in
OUT; what stands there is not measured again.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

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

FOLDER, FEATURES, JUDGED = "amazon_games", "precomputed", "users=97-100"
SHOPS, USERS, PERCENT = 8, 1_800, 12
"""percent of the folder's users from which each shop's are drawn"""
EPSILON = 8.0
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
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    for seed in range(asked.seeds):
        files = {how: asked.out / f"{how}-{seed}.json" for how in asked.how}
        if missing := [how for how, file in files.items() if not file.exists()]:
            _measure(missing, seed, asked.data, files)
    if asked.table is not None:
        cells = [json.loads(file.read_text("utf-8")) for file in sorted(asked.out.glob("*.json"))]
        write_whole(asked.table, table(cells).encode("utf-8"))


def _measure(hows: Sequence[str], seed: int, data: Path, files: dict[str, Path]) -> None:
    cuts = {f"shop-{one}": f"users={PERCENT * one}-{PERCENT * (one + 1)},train-users={USERS}" for one in range(SHOPS)}
    shops = {name: _prepared(data, name, cut, seed) for name, cut in cuts.items()}
    judged = _prepared(data, FOLDER, JUDGED, seed)
    few = _prepared(data, FOLDER, f"{JUDGED},fraction={FEW}", seed)
    next_items = NextItems(judged, seed)
    for how in hows:
        start = time.monotonic()
        encoder, history = _encoder_of(shops, how, seed)
        found: dict[str, Any] = {"how": how, "seed": seed, "seconds": time.monotonic() - start}
        found |= {"notes": [entry["note"] for entry in history]}
        found |= next_items.judged(encoder.linear_on(judged.features, own_pairs(judged)))
        found |= by_stack(few, encoder, seed)
        write_whole(files[how], json.dumps(found).encode("utf-8"))
        shown = {key: value for key, value in found.items() if not key.endswith("_ndcg")}
        print(json.dumps(shown), flush=True)


def _prepared(data: Path, name: str, part: str, seed: int) -> PreparedPlatform:
    spec = parse_platform_spec(f"{name}={data / FOLDER},{part}")
    folder = read_platform_data(spec.path, spec.said_of_times)
    return prepare_platform(folder, spec.preparation(SharedPreparation()), name=name, seed=seed, features=FEATURES)


def _encoder_of(shops: dict[str, PreparedPlatform], how: str, seed: int) -> tuple[Encoder, tuple[dict[str, Any], ...]]:
    """What a run without training rounds leaves, and its history."""
    one = next(iter(shops.values()))
    start = Encoder.initial(EncoderSpec(preset="small", input_dim=one.space.dim, feature_space=one.space), 0)
    config = RoundsConfig(seed=seed, rounds=0, privacy=how, **FURTHER[how])  # type: ignore[arg-type]
    card = EncoderCard(catalogue=CatalogueMoments.of(one.features))
    with tempfile.TemporaryDirectory() as folder:
        result = run_held_federation(shops, start.without_sequence(), config, folder=Path(folder), card=card)
    return result.encoder, result.history


def table(cells: list[dict[str, Any]]) -> str:
    """The page."""
    lines = ["# One noise for the sum of eight shops", "", "```sh"]
    lines += ["python -m benchmarks.private_sums DATA OUT --table docs/results/private-sums.md", "```", "", _HEAD, ""]
    names = ("run", "seeds", "nats", "local", "with the encoder", "lift", "share of the plain lift")
    lines += [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    plain = _lift([cell for cell in cells if cell["how"] == "plain"])
    for how in HOWS:
        some = [cell for cell in cells if cell["how"] == how]
        if not some:
            continue
        nats, local, feature = (np.mean([cell[name] for cell in some]) for name in ("nats", "local", "feature"))
        low, high = _interval(some)
        lift = f"{_lift(some):+.1f} % [{low:+.1f}, {high:+.1f}]"
        share = f"{100 * _lift(some) / plain:.0f} %" if how != "plain" and plain else ""
        row = (how, len(some), f"{nats:.4f}", f"{local:.4f}", f"{feature:.4f}", lift, share)
        lines.append(f"| {' | '.join(map(str, row))} |")
    return "\n".join([*lines, ""])


_HEAD = (
    f"Eight shops of {USERS:,} users each, cut from `{FOLDER}`, vectors of a text model; runs of moments alone, ε 8 at "
    "δ 10⁻⁶. Other users of the shop judge: nats as in [privacy.md](privacy.md); NDCG@10 of all test events, stack and "
    "gate fitted on a fifth of their users. The interval of 95 % resamples users."
)


def _lift(some: list[dict[str, Any]]) -> float:
    """In percent, of the mean over seeds."""
    local, feature = (np.mean([cell[name] for cell in some]) for name in ("local", "feature"))
    return float(100 * (feature / local - 1)) if some else 0.0


def _interval(some: list[dict[str, Any]]) -> tuple[float, float]:
    gains = np.concatenate([np.subtract(cell["feature_ndcg"], cell["local_ndcg"]) for cell in some])
    local = np.concatenate([cell["local_ndcg"] for cell in some])
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, len(gains), len(gains)) for _ in range(2000)]
    low, high = np.quantile([100 * gains[rows].mean() / local[rows].mean() for rows in drawn], [0.025, 0.975])
    return float(low), float(high)


if __name__ == "__main__":
    main()
