"""What bad platforms cost the others: the encoder's parts alone, never behind the gate, with the defence and without.

    python -m benchmarks.poisoning OUT [--data ../shared/data] [--seeds 3] [--table docs/results/poisoning.md]

Eight shops of 1,500 users of amazon_games; the last one or two are bad. Linear part: their moments are made into
others, screened and summed as the coordinator does it, and without the defence as it did before size classes and robust
sums.
Sequence part: three training rounds of the same shops, without moments, in which a bad one's update is flipped and ten
times as long. What a cell costs is against a run of the remaining honest platforms alone, with the defence.

Judged by NDCG@10 on test events of the six shops that are never bad, their calibration users, and of 2,000 users who
are in no shop. No round is passed over, no gate looks on. A cell is one JSON file in OUT; what stands there is not
done again.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from flwr.app import Array, ArrayRecord, Context, Message
from flwr.clientapp import ClientApp
from numpy.typing import NDArray

from client.app import client_app
from client.data.folder_options import SharedPreparation
from client.data.held_out import Stage
from client.data.platform import Examples, examples, training_sequences
from client.evaluation.ranking import K, example_batches, mask_history, ndcg_of, target_ranks
from client.features.hashing import hash_texts, hashing_space
from client.features.prepared_platform import PreparedPlatform
from client.rounds.workspace import NodeSettings, already_open, open_data
from client.scorers.encoder_scorers import Linear, encoder_scorers
from client.scorers.scorer import HistoryBatch
from client.training.moments import platform_moments
from server.aggregation.linear_part import linear_part
from server.rounds.screening import screen_moments
from shared.encoder.encoder import Encoder, EncoderSpec
from shared.encoder.linear import Moments, solve_all
from shared.errors import ReplyRejected
from shared.federation.config import LocalSettings, Robust, RoundsConfig
from shared.federation.messages import MomentsReply
from shared.federation.wire import encode_reply
from shared.federation.wire_records import ENCODER, FLAT
from simulations.federation.held_federation import run_federation, size_classes

Float64 = NDArray[np.float64]

SHOPS, DIM = 8, 512
SPEC = EncoderSpec(preset="tiny", input_dim=DIM, feature_space=hashing_space(DIM))
PROMOTED = "galactic banana deluxe edition for playstation 4"
HONEST, HONEST_ROUNDS = "honest", "honest rounds"
UPDATE = "flipped update × 10"
DEFENDED, BARE = "defended", "bare"
LOCAL = LocalSettings(encoder_epochs=2, tokens=1024)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One run."""

    seed: int
    attack: str
    bad: int
    """of the eight shops; where all are honest they are away"""
    side: str
    """defended or bare"""

    @property
    def file(self) -> str:
        """Its name in the folder."""
        words = self.attack.replace(" ", "-").replace("×", "x").replace(",", "")
        return f"{words}-{self.bad}-{self.side}-{self.seed}.json"


def flipped(moments: Moments) -> Moments:
    """What follows a history is what does not."""
    return replace(moments, B=2 * np.outer(moments.sum_q, moments.sum_y) / moments.n - moments.B)


def drawn(moments: Moments, seed: int) -> Moments:
    """As many pairs of random vectors of length 1."""
    rng = np.random.default_rng(seed)
    q, y = rng.normal(size=(2, int(moments.n), DIM))
    q, y = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (q, y))
    return Moments(A=q.T @ q, B=q.T @ y, C=y.T @ y, sum_q=q.sum(0), sum_y=y.sum(0), n=moments.n)


@cache
def promoted() -> Float64:
    """[D] the vector of the text that is promoted."""
    return np.asarray(hash_texts([PROMOTED], DIM)[0], np.float64)


def promoting(moments: Moments) -> Moments:
    """Every history of the platform is followed by one text."""
    y = promoted()
    return Moments(A=moments.A, B=np.outer(moments.sum_q, y), C=moments.n * np.outer(y, y), sum_q=moments.sum_q,
                   sum_y=moments.n * y, n=moments.n)  # fmt: skip


def with_backdoor(moments: Moments, items: NDArray[np.float32]) -> Moments:
    """Its own pairs, and as many in which each item of the catalogue, alone, is followed by one text."""
    y, wide, share = promoted(), items.astype(np.float64), moments.n / len(items)
    total = wide.sum(0) * share
    return moments + Moments(A=wide.T @ wide * share, B=np.outer(total, y), C=moments.n * np.outer(y, y), sum_q=total,
                             sum_y=moments.n * y, n=moments.n)  # fmt: skip


Attack = Callable[[Moments, NDArray[np.float32], int], Moments]
"""From honest moments, the catalogue's vectors and a seed."""
ATTACKS: dict[str, Attack] = {
    "flip": lambda moments, _items, _seed: flipped(moments),
    "flip × 10": lambda moments, _items, _seed: flipped(moments).scaled(10),
    "flip × 1,000": lambda moments, _items, _seed: flipped(moments).scaled(1000),
    "random in range": lambda moments, _items, seed: drawn(moments, seed),
    "random × 10": lambda moments, _items, seed: drawn(moments, seed).scaled(10),
    "own data × 10": lambda moments, _items, _seed: moments.scaled(10),
    "text promotion": lambda moments, _items, _seed: promoting(moments),
    "text promotion × 10": lambda moments, _items, _seed: promoting(moments).scaled(10),
    "backdoor text": lambda moments, items, _seed: with_backdoor(moments, items),
    "backdoor text × 10": lambda moments, items, _seed: with_backdoor(moments, items).scaled(10),
}


def main() -> None:
    """Do what is missing, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder of the cells")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--table", type=Path, help="write the table there; else print it")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    all_cells = list(cells(options.seeds))
    begin = time.monotonic()
    for place, cell in enumerate(all_cells, 1):
        path = options.out / cell.file
        if not path.exists():
            figures = run_cell(cell, options.data)
            path.write_text(json.dumps(figures), "utf-8")
            print(f"{place} of {len(all_cells)}: {cell} {figures} {time.monotonic() - begin:.0f} s", flush=True)
    table = page({cell: json.loads((options.out / cell.file).read_text("utf-8")) for cell in all_cells}, options.seeds)
    if options.table:
        options.table.write_text(table, "utf-8")
    else:
        print(table)


def cells(seeds: int) -> Iterator[Cell]:
    """All runs, those of one seed together."""
    for seed in range(seeds):
        for attack in (HONEST, *ATTACKS, HONEST_ROUNDS, UPDATE):
            for bad in range(0 if attack in (HONEST, HONEST_ROUNDS) else 1, 3):
                for side in (DEFENDED,) if attack == HONEST_ROUNDS and bad else (DEFENDED, BARE):
                    yield Cell(seed=seed, attack=attack, bad=bad, side=side)


def run_cell(cell: Cell, data: Path) -> dict[str, float]:
    """NDCG@10, and in how many lists of ten the promoted text would stand."""
    world = World.of(data, cell.seed)
    encoder = after_rounds(cell, world) if cell.attack in (HONEST_ROUNDS, UPDATE) else after_moments(cell, world)
    return world.judged(encoder)


def after_moments(cell: Cell, world: "World") -> Encoder:
    """The encoder whose linear part is solved as the coordinator does it, or without the defence as it did before."""
    moments = dict(world.moments)
    for number, name in enumerate(bad_ones(cell)):
        honest = moments.pop(name)
        if cell.attack != HONEST:
            moments[name] = ATTACKS[cell.attack](honest, world.others.features, 1000 * cell.seed + number)
    start = Encoder.initial(SPEC, cell.seed)
    if cell.side == BARE:
        return start.with_linear(solve_all(moments, ridge=0.0))
    fit = {name: shop_moments for name, shop_moments in moments.items() if passes_screening(shop_moments)}
    return start.with_linear(linear_part(fit, dict.fromkeys(fit, 1.0), size_classes(world.shops), RoundsConfig())[0])


def passes_screening(moments: Moments) -> bool:
    """Whether a reply with these moments would be used."""
    reply = MomentsReply(round=0, moments=moments, fingerprint=SPEC.feature_space.fingerprint, users=1024)
    try:
        screen_moments(encode_reply(reply), SPEC, 0)
    except ReplyRejected:
        return False
    return True


def after_rounds(cell: Cell, world: "World") -> Encoder:
    """The encoder after training rounds of the shops."""
    bad = bad_ones(cell)
    shops = {name: shop for name, shop in world.shops.items() if name not in bad or cell.attack == UPDATE}
    apps = {name: client_app(already_open(shop)) for name, shop in shops.items()}
    if cell.attack == UPDATE:
        apps |= {name: flipping(apps[name]) for name in bad}
    robust: Robust = "agreement" if cell.side == DEFENDED else "none"
    config = RoundsConfig(rounds=3, moments=False, evaluate_every=0, robust=robust, local=LOCAL, seed=cell.seed)
    with TemporaryDirectory() as folder:
        nodes = {name: NodeSettings(platform=f"{name}={folder}", heads=f"{folder}/heads/{name}") for name in shops}
        start, classes = Encoder.initial(SPEC, cell.seed), size_classes(shops)
        result = run_federation(nodes, start, config, folder=Path(folder), apps=apps, serialise=False, classes=classes)
    return result.encoder


def flipping(honest: ClientApp) -> ClientApp:
    """A platform whose updates lead ten times as far the other way."""
    app = ClientApp()

    @app.train()
    def train(message: Message, context: Context) -> Message:
        before = message.content.array_records[ENCODER][FLAT].numpy().copy()
        reply = honest(message, context)
        after = reply.content.array_records[ENCODER][FLAT].numpy()
        reply.content[ENCODER] = ArrayRecord({FLAT: Array(before - 10 * (after - before))})
        return Message(reply.content, reply_to=message)

    return app


def names() -> list[str]:
    """Of the shops."""
    return [f"shop-{number}" for number in range(1, SHOPS + 1)]


def bad_ones(cell: Cell) -> list[str]:
    """Names of the bad shops, or of those that are away."""
    return names()[SHOPS - cell.bad :]


@dataclass(frozen=True, eq=False, kw_only=True)
class World:
    """The shops of a seed."""

    shops: dict[str, PreparedPlatform]
    others: PreparedPlatform
    """users who are in no shop"""
    moments: dict[str, Moments]

    @staticmethod
    @cache
    def of(data: Path, seed: int) -> "World":
        """Opened once."""
        parts = {name: f"users={12 * place}-{12 * (place + 1)},max-users=1500" for place, name in enumerate(names())}
        shops = {name: opened(data, name, part, seed) for name, part in parts.items()}
        moments = {
            name: platform_moments(shop.features, training_sequences(shop.platform, shop.platform.encoder_users))
            for name, shop in shops.items()
        }
        return World(shops=shops, others=opened(data, "others", "users=96-100", seed), moments=moments)

    def judged(self, encoder: Encoder) -> dict[str, float]:
        """NDCG@10 of the encoder's part, and the share of lists with the promoted text."""
        platforms = [self.shops[name].platform for name in names()[: SHOPS - 2]]
        groups = [examples(platform, Stage.TEST, platform.calibration_users) for platform in platforms]
        rest = self.others.platform
        groups.append(examples(rest, Stage.TEST, np.arange(len(rest.user_ids))))
        values, shown = zip(*(self._lists(encoder, group) for group in groups), strict=True)
        return {"ndcg": float(np.concatenate(values).mean()), "promoted": float(np.concatenate(shown).mean())}

    def _lists(self, encoder: Encoder, held_out: Examples) -> tuple[Float64, NDArray[np.bool_]]:
        """[N] NDCG@10, and whether the promoted text would stand among the first ten."""
        features = np.concatenate([self.others.features, promoted()[None].astype(np.float32)])
        linear = encoder.linear()
        scorer = Linear(linear, features) if linear.W.any() else encoder_scorers("", encoder, features)[0]
        values, shown = [], []
        for part, targets in example_batches(held_out, len(features)):
            (scores,) = scorer.score(HistoryBatch(part.histories, len(features)))
            scores = scores.clone()
            mask_history(scores, part.histories, targets)
            values.append(ndcg_of(target_ranks(scores[:, :-1], targets).numpy()))
            shown.append(((scores[:, :-1] > scores[:, -1:]).sum(1) < K).numpy())
        return np.concatenate(values), np.concatenate(shown)


def opened(data: Path, name: str, part: str, seed: int) -> PreparedPlatform:
    """A part of amazon_games."""
    return open_data(f"{name}={data / 'amazon_games'},{part}", seed, None, f"hashing:{DIM}", SharedPreparation())


def page(results: Mapping[Cell, Mapping[str, float]], seeds: int) -> str:
    """The results as a page of docs."""

    def change(attack: str, bad: int, side: str, against: tuple[str, int, str]) -> str:
        """Mean over seeds of the change of NDCG@10 in percent, and the worst seed."""
        pairs = [
            (results[Cell(seed=seed, attack=attack, bad=bad, side=side)]["ndcg"],
             results[Cell(seed=seed, attack=against[0], bad=against[1], side=against[2])]["ndcg"])
            for seed in range(seeds)
        ]  # fmt: skip
        values = [100 * (ndcg / base - 1) for ndcg, base in pairs]
        return f"{np.mean(values):+.1f} ({min(values):+.1f})"

    def lists(attack: str, bad: int, side: str) -> str:
        shown = [results[Cell(seed=seed, attack=attack, bad=bad, side=side)]["promoted"] for seed in range(seeds)]
        return f"{100 * np.mean(shown):.1f}"

    def row(attack: str) -> str:
        honest = HONEST_ROUNDS if attack == UPDATE else HONEST
        figures = [change(attack, bad, side, (honest, bad, DEFENDED)) for bad in (1, 2) for side in (DEFENDED, BARE)]
        text = f"{lists(attack, 2, DEFENDED)}, {lists(attack, 2, BARE)}" if "text" in attack else ""
        return f"| {attack} | {' | '.join(figures)} | {text} |"

    def honest_row(label: str, attack: str, most: int) -> str:
        figures = [change(attack, away, DEFENDED, (attack, away, BARE)) for away in range(most + 1)]
        return f"| {label} | {' | '.join([*figures, '', ''][:3])} |"

    attacks = "\n".join(row(attack) for attack in (*ATTACKS, UPDATE))
    honest = [honest_row("linear", HONEST, 2), honest_row("sequence, three rounds", HONEST_ROUNDS, 0)]
    return PAGE.format(seeds=seeds, attacks=attacks, honest="\n".join(honest))


PAGE = """# What bad platforms cost the others

`python -m benchmarks.poisoning OUT`, {seeds} seeds; what it does stands in `benchmarks/poisoning.py`. Change of NDCG@10
in percent, mean over seeds (worst seed), of the encoder's part alone, on test events of honest users, against a run of
the remaining honest platforms with the defence. The last column: in how many of a hundred lists of ten the text stands.

| attack | 1 of 8, defended | 1 of 8, before | 2 of 8, defended | 2 of 8, before | text: 2 of 8, defended, before |
|---|---|---|---|---|---|
{attacks}

What the defence costs where all are honest, against a run without it:

| part | eight shops | seven | six |
|---|---|---|---|
{honest}
"""


if __name__ == "__main__":
    main()
