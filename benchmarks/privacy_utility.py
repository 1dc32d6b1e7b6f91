"""What noise leaves of the linear part: by likelihood of the next item, and by fitted stack and gate.

    python -m benchmarks.privacy_utility DATA OUT [--pair games-minilm ...] [--seeds 3] [--epsilon 8 ...] [--stack]

One JSON a cell in OUT; what stands there is not measured again. A source's users give the linear part, other users of
the same shop are judged by it: exact moments, the cross moment without noise, and under noise of each ε. ``nats`` is
the gain in log-likelihood of the next item where the linear scorer joins content. With ``--stack`` a platform of few
users fits its recommender with and without the encoder, and its test events are ranked once.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.narrow_tables import narrow_tables
from benchmarks.next_item import NextItems
from client.data.folder_options import SharedPreparation
from client.data.platform import training_sequences
from client.data.source import read_platform_data
from client.data.spec import parse_platform_spec
from client.ensemble.fitting import rank_all
from client.ensemble.gaps import stacked
from client.features.prepared_platform import PreparedPlatform, prepare_platform
from client.fitting.platform_fit import PlatformFit
from client.privacy.noise import noised
from client.training.cross_moments import cross_moment
from client.training.moments import platform_moments
from client.transfer.feature import own_pairs
from client.transfer.method import Encoders, ReceivedEncoder
from client.transfer.part_settings import PartSettings
from shared.encoder.cross import CatalogueMoments, released_cross
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.linear import solve
from shared.privacy.gaussian import noise_for
from shared.privacy.grid import middles
from shared.system.whole_file import write_whole
from simulations.methods.cold_start import HeldOut

DELTA = 1e-6
FEW = 0.2
"""share of the judged platform's users with which a stack is fitted"""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A source and the other users of its shop."""

    folder: str
    features: str
    cut: int
    """percent of the users that are the source"""
    sizes: tuple[int, ...]
    """users of the source who give; 0: all"""


PAIRS = {
    "games-minilm": Pair(folder="amazon_games", features="precomputed", cut=97, sizes=(0, 12_000, 1_800)),
    "games-hashed": Pair(folder="amazon_games", features="hashing:512", cut=97, sizes=(0, 12_000)),
    "toys-minilm": Pair(folder="amazon_toys", features="precomputed", cut=92, sizes=(0,)),
    "toys-hashed": Pair(folder="amazon_toys", features="hashing:512", cut=92, sizes=(0,)),
    "sports-minilm": Pair(folder="amazon_sports", features="precomputed", cut=95, sizes=(0,)),
    "sports-hashed": Pair(folder="amazon_sports", features="hashing:512", cut=95, sizes=(0,)),
}


def main() -> None:
    """Measure what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the platform folders")
    parser.add_argument("out", type=Path, help="folder for the cells")
    parser.add_argument("--pair", nargs="+", default=list(PAIRS), choices=list(PAIRS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epsilon", type=float, nargs="+", default=[8.0, 4.0, 2.0, 1.0])
    parser.add_argument("--table", type=Path, help="file for the table of all cells in OUT")
    parser.add_argument("--stack", action="store_true", help="fit stack and gate too, from all users of the source")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.pair:
        for seed in range(options.seeds):
            _measure_pair(name, seed, options)
    if options.table is not None:
        cells = [json.loads(file.read_text("utf-8")) for file in sorted(options.out.glob("*.json"))]
        write_whole(options.table, table(cells).encode("utf-8"))


def _measure_pair(name: str, seed: int, options: argparse.Namespace) -> None:
    cell = PAIRS[name]
    files = {
        (size, how): options.out / f"{name}-{size}-{how}-{seed}.json" for size in cell.sizes for how in _ways(options)
    }
    missing = [key for key, file in files.items() if not file.exists()]
    if not missing:
        return
    source = _prepared(options.data, cell, seed, f"users=0-{cell.cut}")
    judged = _prepared(options.data, cell, seed, f"users={cell.cut}-100")
    few = _prepared(options.data, cell, seed, f"users={cell.cut}-100,fraction={FEW}") if options.stack else None
    next_items = NextItems(judged, seed)
    public = CatalogueMoments.of(source.features)
    for size in cell.sizes:
        missing_hows = [how for missing_size, how in missing if missing_size == size]
        if not missing_hows:
            continue
        users = np.random.default_rng(seed).permutation(source.platform.training_users)
        users = users[: size or len(users)]
        sequences = training_sequences(source.platform, np.sort(users))
        start = time.monotonic()
        total = cross_moment(source.features, sequences, public)
        spent = time.monotonic() - start
        exact = solve(platform_moments(source.features, sequences)) if "exact" in missing_hows else None
        for how in missing_hows:
            encoder = _blank(source)
            if how == "exact" and exact is not None:
                encoder = encoder.with_linear(exact)
            else:
                encoder = encoder.with_cross(_released(total, how, public, seed))
            figures: dict[str, Any] = {"pair": name, "users": len(users), "how": how, "seed": seed, "seconds": spent}
            figures |= {"asked": size, **next_items.judged(encoder.linear_on(judged.features, own_pairs(judged)))}
            if few is not None and size == 0:
                figures |= by_stack(few, encoder, seed)
            write_whole(files[size, how], json.dumps(figures).encode("utf-8"))
            shown = {key: value for key, value in figures.items() if not isinstance(value, list | dict)}
            print(json.dumps(shown), flush=True)


def _ways(options: argparse.Namespace) -> list[str]:
    return ["exact", "inf", *(f"{epsilon:g}" for epsilon in options.epsilon)]


def _released(total: np.ndarray, how: str, public: CatalogueMoments, seed: int) -> np.ndarray:
    """B under the noise of ``how``, an ε, drawn from the seed."""
    if how == "inf":
        return released_cross(total, 0.0, public)
    sigma = noise_for(float(how), DELTA)
    cells = noised(total, sigma, np.random.default_rng(1000 + seed).bytes)
    return released_cross(middles(cells, sigma), sigma, public)


def _prepared(data: Path, cell: Pair, seed: int, part: str) -> PreparedPlatform:
    spec = parse_platform_spec(f"{cell.folder}={data / cell.folder},{part}")
    folder = read_platform_data(spec.path, spec.said_of_times)
    return prepare_platform(
        folder, spec.preparation(SharedPreparation()), name=spec.name, seed=seed, features=cell.features
    )


def _blank(source: PreparedPlatform) -> Encoder:
    spec = EncoderSpec(preset="small", input_dim=source.space.dim, feature_space=source.space)
    return Encoder.initial(spec, 0).without_sequence()


def by_stack(few: PreparedPlatform, encoder: Encoder, seed: int) -> dict[str, Any]:
    """NDCG@10 of each test user by the local recommender and by the one with the encoder, and what the gate serves."""
    encoders = Encoders(received=ReceivedEncoder(encoder=encoder, seen=False))
    fit = PlatformFit(few, encoders, ("local", "feature"), PartSettings(preset="small"), seed=seed)
    fit.train()
    fit.stack()
    chosen = fit.stacks.chosen
    tests = HeldOut.of(few.platform, seed).tests
    ranked = rank_all(fit.stacks.ensemble, stacked([chosen[method].by_gap for method in ("local", "feature")]), tests)
    local, feature = (ranking.ndcg for ranking in ranked)
    served = feature if fit.verdict.served != "local" else local
    return {
        "local": float(local.mean()),
        "feature": float(feature.mean()),
        "served": float(served.mean()),
        "serves": fit.verdict.served,
        "feature_ndcg": feature.round(6).tolist(),
        "local_ndcg": local.round(6).tolist(),
    }


def table(cells: list[dict[str, Any]]) -> str:
    """The page: what noise leaves by likelihood, then what a fitted ensemble makes of it."""
    lines = ["# What noise leaves of the linear part", "", "```sh"]
    lines += ["python -m benchmarks.privacy_utility DATA OUT --stack --table docs/results/privacy.md", "```", ""]
    lines += [_HEAD, "", "| pair | users | noise | seeds | nats | kept |", "|---|---|---|---|---|---|"]
    for pair, users in sorted({(cell["pair"], cell["asked"]) for cell in cells}, key=_place):
        of_size = [cell for cell in cells if (cell["pair"], cell["asked"]) == (pair, users)]
        whole = {cell["seed"]: cell["nats"] for cell in of_size if cell["how"] == "inf"}
        for how in _in_order(of_size):
            nats = {cell["seed"]: cell["nats"] for cell in of_size if cell["how"] == how}
            both = sorted(set(nats) & set(whole))
            share = 100 * sum(nats[seed] for seed in both) / sum(whole[seed] for seed in both) if both else 0.0
            share_kept = "" if how in ("exact", "inf") else f"{share:.1f} %"
            user_count = round(np.mean([cell["users"] for cell in of_size]))
            row = (
                pair,
                f"{user_count:,}",
                _WORDS.get(how, f"ε {how}"),
                len(nats),
                f"{np.mean(list(nats.values())):.4f}",
                share_kept,
            )
            lines.append(f"| {' | '.join(map(str, row))} |")
    return "\n".join([*lines, "", *_stack_lines(cells), ""])


_HEAD = (
    "Source and judged users are of one shop: users of the source give the linear part, the validation and test events "
    "of others judge it. Nats: the gain in log-likelihood of the next item where the linear scorer joins content, "
    "temperatures fitted on one half of the users and judged on the other. Kept: of the same form without noise. "
    "δ = 10⁻⁶, user level, one draw of the noise a seed; means over seeds."
)
_WORDS = {"exact": "none: exact moments (plain)", "inf": "none: the cross moment alone"}


def _stack_lines(cells: list[dict[str, Any]]) -> list[str]:
    """By pair and noise: NDCG@10 of the test events, and the lift over the local recommender, paired by user."""
    fitted = [cell for cell in cells if "local_ndcg" in cell]
    caption = "Fitted on a fifth of the judged platform's users: NDCG@10 of all its test events, full ranking."
    lines = [caption + " The interval resamples users.", ""]
    names = ("pair", "noise", "seeds", "local", "with the encoder", "lift", "beside plain, in points of lift")
    rows = []
    for pair in sorted({cell["pair"] for cell in fitted}):
        of_pair = [cell for cell in fitted if cell["pair"] == pair]
        plain = {cell["seed"]: cell for cell in of_pair if cell["how"] == "exact"}
        for how in _in_order(of_pair):
            how_cells = [cell for cell in of_pair if cell["how"] == how]
            local, feature = (np.mean([cell[name] for cell in how_cells]) for name in ("local", "feature"))
            beside = (
                _difference(how_cells, plain)
                if how != "exact" and all(cell["seed"] in plain for cell in how_cells)
                else ""
            )
            lift = f"{100 * (feature / local - 1):+.1f} %"
            noise = _WORDS.get(how, f"ε {how}")
            rows.append((pair, noise, len(how_cells), f"{local:.4f}", f"{feature:.4f}", lift, beside))
    return [*lines, narrow_tables(names, rows, keys=2, cuts=(5,)).rstrip("\n")]


def _difference(cells: list[dict[str, Any]], plain: dict[int, dict[str, Any]]) -> str:
    """In points of lift: what the encoder under noise lifts beyond the plain one, and its interval of 95 %."""
    gains = np.concatenate([np.subtract(cell["feature_ndcg"], plain[cell["seed"]]["feature_ndcg"]) for cell in cells])
    local = np.concatenate([cell["local_ndcg"] for cell in cells])
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, len(gains), len(gains)) for _ in range(2000)]
    spread = [100 * gains[rows].mean() / local[rows].mean() for rows in drawn]
    low, high = np.quantile(spread, [0.025, 0.975])
    return f"{100 * gains.mean() / local.mean():+.1f} [{low:+.1f}, {high:+.1f}]"


def _in_order(cells: list[dict[str, Any]]) -> list[str]:
    """Exact first, then from no noise to the most."""
    hows = {cell["how"] for cell in cells}
    return sorted(hows, key=lambda how: (how != "exact", -float("inf" if how == "exact" else how)))


def _place(cell: tuple[str, int]) -> tuple[str, float]:
    return cell[0], -(cell[1] or np.inf)


if __name__ == "__main__":
    main()
