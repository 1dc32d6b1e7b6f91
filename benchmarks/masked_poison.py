"""What bad platforms cost the others behind masks, where nobody sees a single answer: by group, and after they went.

    python -m benchmarks.masked_poison OUT [--data ../shared/data] [--seeds 3] [--rounds 3] [--table FILE]

Sixteen shops of 750 users of amazon_games, in groups of three and more, summed under masks with the rule agreement; one
or two of them are bad, in moments and in updates, have no guard of their own, and tell the truth of what encoders are
worth. Judged by NDCG@10 of the encoder's parts together on test events of the fourteen shops that are never bad, their
calibration users, and of 2,000 users who are in no shop:
- *worst step*: of the encoder that goes out after each sum, against the one before it, in percent;
- *named*: whether each bad shop's group was left out, cut or passed over, by name;
- *without it*: the encoder of a run from which the bad shops were removed, begun where the poisoned one ended, against
  that of an honest run of as many rounds without them, in percent.

A cell is one JSON file in OUT; what stands there is not done again.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from client.app import client_app
from client.data.folder_options import SharedPreparation
from client.data.held_out import Stage
from client.data.platform import examples
from client.evaluation.ranking import by_user, ndcg_of, ranks_by_column
from client.features.hashing import hashing_space
from client.features.prepared_platform import PreparedPlatform
from client.guard.sum_bounds import within_bounds
from client.rounds import sum_vectors
from client.rounds.workspace import NodeSettings, Workspace, already_open, open_data
from client.scorers.encoder_scorers import encoder_scorers
from client.scorers.scorer import HistoryBatch
from server.aggregation.server_optimiser import ServerOptimiser
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.federation.config import LocalSettings, RoundsConfig
from shared.federation.sum_messages import SumPart, SumWork
from shared.federation.sum_vector import moment_numbers
from shared.secure_sum.fixed_point import FixedPoint
from simulations.federation.held_federation import FederationResult, run_federation, size_classes

Float64 = NDArray[np.float64]

SHOPS, DIM = 16, 512
SPEC = EncoderSpec(preset="tiny", input_dim=DIM, feature_space=hashing_space(DIM))
LOCAL = LocalSettings(encoder_epochs=2, tokens=1024)
HONEST = "honest"
Attack = Callable[[Float64, np.random.Generator], Float64]
"""From a bad platform's honest numbers of a part"""


def random_in_range(vector: Float64, rng: np.random.Generator) -> Float64:
    """As long as its own."""
    drawn = rng.normal(size=len(vector))
    return np.asarray(drawn * np.linalg.norm(vector) / np.linalg.norm(drawn))


ATTACKS: dict[str, Attack] = {
    "flip": lambda vector, _rng: -vector,
    "flip × 10": lambda vector, _rng: -10 * vector,
    "flip × 1,000": lambda vector, _rng: -1000 * vector,
    "random in range": random_in_range,
    "random × 10": lambda vector, rng: 10 * random_in_range(vector, rng),
    "own × 10": lambda vector, _rng: 10 * vector,
}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One run."""

    seed: int
    attack: str
    bad: int
    """of the sixteen shops; where all are honest they are away"""

    @property
    def file(self) -> str:
        """Its name in the folder."""
        words = self.attack.replace(" ", "-").replace("×", "x").replace(",", "")
        return f"{words}-{self.bad}-{self.seed}.json"


def main() -> None:
    """Do what is missing, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder of the cells")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--table", type=Path, help="write the table there; else print it")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    all_cells = list(cells(options.seeds))
    begin = time.monotonic()
    for place, cell in enumerate(all_cells, 1):
        path = options.out / cell.file
        if not path.exists():
            figures = run_cell(cell, World.of(options.data, cell.seed), options.rounds)
            path.write_text(json.dumps(figures), "utf-8")
            print(f"{place} of {len(all_cells)}: {cell} {figures} {time.monotonic() - begin:.0f} s", flush=True)
    table = page({cell: json.loads((options.out / cell.file).read_text("utf-8")) for cell in all_cells}, options.seeds)
    if options.table:
        options.table.write_text(table, "utf-8")
    else:
        print(table)


def cells(seeds: int) -> Iterator[Cell]:
    """All runs, those of one seed together, honest ones first."""
    for seed in range(seeds):
        for attack in (HONEST, *ATTACKS):
            for bad in (1, 2):
                yield Cell(seed=seed, attack=attack, bad=bad)


def run_cell(cell: Cell, world: "World", rounds: int) -> dict[str, Any]:
    """NDCG@10 of what the run would leave after each sum, who was named, and NDCG@10 after the bad ones went."""
    bad, start = bad_ones(cell), Encoder.initial(SPEC, cell.seed)
    honest = {name: shop for name, shop in world.shops.items() if name not in bad}
    if cell.attack == HONEST:
        result, left = federated(honest, start, cell.seed, rounds)
        return {
            "ndcg": [world.judged(encoder) for encoder in left],
            "named": [],
            "without": world.judged(result.encoder),
        }
    with poisoned(frozenset(bad), ATTACKS[cell.attack], cell.seed):
        result, left = federated(world.shops, start, cell.seed, rounds)
    after, _left = federated(honest, result.encoder, cell.seed, rounds)
    return {
        "ndcg": [world.judged(encoder) for encoder in left],
        "named": sorted(name for name in bad if is_named(name, result)),
        "without": world.judged(after.encoder),
    }


def federated(
    shops: Mapping[str, PreparedPlatform], start: Encoder, seed: int, rounds: int
) -> tuple[FederationResult, list[Encoder]]:
    """A masked run of the shops, and what it would leave after each of its sums."""
    left: list[Encoder] = []

    class Watching(ServerOptimiser):
        """Keeps each encoder from which a step is taken."""

        def step(self, encoder: NDArray[np.float32], updates: Any, *, round_number: int) -> NDArray[np.float32]:
            left.append(Encoder(spec=start.spec, flat=encoder.copy()))
            return super().step(encoder, updates, round_number=round_number)

    config = RoundsConfig(
        rounds=rounds, privacy="masked", groups_of=3, min_platforms=3, robust="agreement", local=LOCAL, seed=seed
    )
    apps = {name: client_app(already_open(shop)) for name, shop in shops.items()}
    with TemporaryDirectory() as folder:
        nodes = {name: NodeSettings(platform=f"{name}={folder}", heads=f"{folder}/heads/{name}") for name in shops}
        result = run_federation(
            nodes,
            start,
            config,
            folder=Path(folder),
            apps=apps,
            serialise=False,
            classes=size_classes(shops),
            aggregation=Watching,
        )
    return result, [start, *left, result.encoder]


@contextmanager
def poisoned(bad: frozenset[str], attack: Attack, seed: int) -> Iterator[None]:
    """While it lasts, bad platforms sum what the attack makes of their moments and updates, past every bound."""
    parts = dict(sum_vectors.PARTS)
    attacked: tuple[SumPart, ...] = ("moments", "train")

    def worse(part: SumPart) -> Callable[[SumWork, Workspace], Float64]:
        def numbers(work: SumWork, workspace: Workspace) -> Float64:
            vector = parts[part](work, workspace)
            if workspace.platform.name not in bad:
                return vector
            length = moment_numbers(SPEC.input_dim) if part == "moments" else len(vector)
            rng = np.random.default_rng([seed, work.round, *workspace.platform.name.encode()])
            return np.concatenate([attack(vector[:length], rng), vector[length:]])

        return numbers

    def unbounded(values: Float64, norm: float, bound: float) -> Float64:
        return within_bounds(values, norm, bound) if norm else values

    def any_cells(fixed: FixedPoint, values: Float64) -> NDArray[np.int64]:
        return np.rint(np.ldexp(values, -fixed.terms.exponent)).astype(np.int64)

    with (
        patch.dict(sum_vectors.PARTS, {part: worse(part) for part in attacked}),
        patch("client.rounds.sum_vectors.within_bounds", unbounded),
        patch.object(FixedPoint, "cells", any_cells),
    ):
        yield


def is_named(name: str, result: FederationResult) -> bool:
    """Whether a line of the run's history says of a group with this member that it was cut, left out or passed over."""
    for entry in result.history:
        groups = [group for group, members in entry["groups"].items() if name in members]
        if any(group in entry["held_back"] for group in groups) or (
            entry["kind"] == "evaluate" and name in entry["note"]
        ):
            return True
    return False


def names() -> list[str]:
    """Of the shops."""
    return [f"shop-{number:02}" for number in range(1, SHOPS + 1)]


def bad_ones(cell: Cell) -> list[str]:
    """Names of the bad shops, or of those that are away."""
    return names()[SHOPS - cell.bad :]


@dataclass(frozen=True, eq=False, kw_only=True)
class World:
    """The shops of a seed."""

    shops: dict[str, PreparedPlatform]
    others: PreparedPlatform
    """users who are in no shop"""

    @staticmethod
    @cache
    def of(data: Path, seed: int) -> "World":
        """Opened once."""
        parts = {name: f"users={6 * place}-{6 * (place + 1)},max-users=750" for place, name in enumerate(names())}
        shops = {name: opened(data, name, part, seed) for name, part in parts.items()}
        return World(shops=shops, others=opened(data, "others", "users=96-100", seed))

    def judged(self, encoder: Encoder) -> float:
        """NDCG@10 of the encoder's parts together."""
        users = {name: self.shops[name].platform.calibration_users for name in names()[: SHOPS - 2]}
        values = [self._ndcg(encoder, self.shops[name], chosen) for name, chosen in users.items()]
        values.append(self._ndcg(encoder, self.others, np.arange(len(self.others.platform.user_ids))))
        return float(np.concatenate(values).mean())

    def _ndcg(self, encoder: Encoder, shop: PreparedPlatform, users: NDArray[np.int64]) -> Float64:
        scorers, items = encoder_scorers("", encoder, shop.features), shop.platform.n_items
        held_out = examples(shop.platform, Stage.TEST, users)

        def score(histories: Any) -> list[Any]:
            batch = HistoryBatch(histories, items)
            alone = [scorer.score(batch)[0] for scorer in scorers]
            return [
                sum((column - column.mean(1, keepdim=True)) / (column.std(1, keepdim=True) + 1e-12) for column in alone)
            ]

        ranks = ranks_by_column(score, held_out, 1, n_items=items, repeats=shop.platform.repeats)
        return np.asarray(by_user(ndcg_of(ranks, held_out.sizes), held_out.users)[0], np.float64)


def opened(data: Path, name: str, part: str, seed: int) -> PreparedPlatform:
    """A part of amazon_games."""
    return open_data(f"{name}={data / 'amazon_games'},{part}", seed, None, f"hashing:{DIM}", SharedPreparation())


def page(results: Mapping[Cell, Mapping[str, Any]], seeds: int) -> str:
    """The results as a page of docs."""
    rows = []
    for attack in ATTACKS:
        for bad in (1, 2):
            attacked = [results[Cell(seed=seed, attack=attack, bad=bad)] for seed in range(seeds)]
            honest = [results[Cell(seed=seed, attack=HONEST, bad=bad)] for seed in range(seeds)]
            back = [100 * run["without"] / other["without"] for run, other in zip(attacked, honest, strict=True)]
            named = sum(len(run["named"]) for run in attacked)
            steps = f"{worst_step(attacked):+.1f} | {worst_step(honest):+.1f}"
            rows.append(f"| {attack} | {bad} | {steps} | {named} of {bad * seeds} | {min(back):.1f} |")
    return PAGE.format(seeds=seeds, rows="\n".join(rows))


def worst_step(runs: list[Mapping[str, Any]]) -> float:
    """The largest fall of NDCG@10 from one encoder to the next, in percent; the step from the start is left out."""
    steps = [
        100.0 * (float(after) / float(before) - 1)
        for run in runs
        for before, after in zip(run["ndcg"][1:], run["ndcg"][2:], strict=False)
        if before > 0
    ]
    return min(steps)


PAGE = """# What bad platforms cost the others behind masks

`python -m benchmarks.masked_poison OUT`; seeds: {seeds}. What it does stands in `benchmarks/masked_poison.py`. The
worst step and the worst recovery over seeds, in percent; *honest* is the worst step of the run without the bad ones.

| attack | bad of 16 | worst step | the same, honest | named | without them, of the honest run |
| -- | -- | -- | -- | -- | -- |
{rows}
"""


if __name__ == "__main__":
    main()
