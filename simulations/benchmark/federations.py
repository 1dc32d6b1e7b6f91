"""The federations of the benchmark: shops of one domain, none of them large, alone and beside unrelated platforms.

Their table says what rounds are worth to each shop, and what unrelated platforms and bytes cost.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from client.ensemble.candidates import LOCAL
from client.transfer.feature import FEATURE, FEDERATED, POOLED
from shared.seeding import rng_for
from simulations.benchmark.figures import (
    BYTES_UP,
    MOMENTS_SECONDS,
    NDCG,
    OVER_FIRST,
    OVER_LOCAL,
    OVER_POOLED,
    SEEDS,
    TRAINING_SECONDS,
    Figure,
    Figures,
    Place,
    interval_figure,
    lift_text,
)
from simulations.benchmark.pairs import MINIMA, MOVIES, SMALL_SOURCE, platform_line
from simulations.benchmark.pooled_cells import Float64, ResampledSums, averaged, mean_ndcg, middle, resampled
from simulations.config.run_config import RunConfig
from simulations.results.result_document import RESULT_FILE, read_result, read_users
from simulations.results.table import markdown_tables

SHARE = 3.7
"""Percent of the users of amazon_games that one shop has: some 1,860."""


@dataclass(frozen=True, kw_only=True)
class Federation:
    """Shops whose users are disjoint; the first pretrains, the others are reported."""

    name: str
    shops: tuple[str, ...]
    """each a folder with its options"""
    unrelated: dict[str, str] = field(default_factory=dict)
    """further members by name, who take part and are not reported"""
    weighting: str = "uniform"
    """how much a member counts"""
    adapters: str = "none"
    """what travels of a member's update"""
    updates: str = "whole"
    """how what was trained travels"""
    rounds: int = 12
    methods: tuple[str, ...] = (LOCAL, FEDERATED.name)

    @property
    def reported(self) -> tuple[str, ...]:
        """Names of the shops that are compared."""
        return tuple(f"shop-{number}" for number in range(2, len(self.shops) + 1))

    @property
    def place(self) -> Place:
        """Of figures over all reported shops and seeds."""
        return Place(name=self.name)


EIGHT_SHOPS = tuple(f"amazon_games,users={SHARE * shop:g}-{SHARE * (shop + 1):g}" for shop in range(8))
UNRELATED = {"news": f"mind_news{SMALL_SOURCE}", "movielens": MOVIES, "retail": f"uci_retail{SMALL_SOURCE}"}

FEDERATIONS = (
    Federation(name="shops", shops=EIGHT_SHOPS, methods=(LOCAL, FEATURE.name, FEDERATED.name, POOLED.name)),
    Federation(name="shops-moments", shops=EIGHT_SHOPS, rounds=0),
    Federation(name="shops-far", shops=EIGHT_SHOPS, unrelated=UNRELATED),
    Federation(name="shops-far-helpful", shops=EIGHT_SHOPS, unrelated=UNRELATED, weighting="similarity"),
    Federation(name="shops-adapters", shops=EIGHT_SHOPS, adapters="lora:64"),
    Federation(name="shops-bytes", shops=EIGHT_SHOPS, updates="int8-delta"),
)
"""The first is what the others are compared with."""


def federation_config(federation: Federation, seed: int, data: Path) -> RunConfig:
    """The run of a federation and seed.

    Args:
        federation: of the grid.
        seed: of the run.
        data: the folder that the platforms' folders lie in.

    Returns:
        The config of the run.
    """
    members = {f"shop-{number}": line for number, line in enumerate(federation.shops, 1)} | federation.unrelated
    return RunConfig.from_dict(
        {
            "source": ["shop-1"],
            "platform": [platform_line(name, data, line) for name, line in members.items()],
            "report": list(federation.reported),
            "methods": list(federation.methods),
            "rounds": federation.rounds,
            "weighting": federation.weighting,
            "adapters": federation.adapters,
            "updates": federation.updates,
            "seed": seed,
            **MINIMA,
        }
    )


FIRST = FEDERATIONS[0]

Found = Mapping[tuple[str, str], list[pl.DataFrame]]
"""(shop, method) to its users' figures, a frame for each seed."""
Lifts = Float64 | None
"""Mean over shops of a lift in percent: [0] the found one, then resamples over shops and people; None: not there."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FederationFigures:
    """What the finished seeds of a federation come to."""

    federation: Federation
    seeds: int
    local: float
    """NDCG@10 of ``local``, mean over shops"""
    feature_over_local: Lifts
    over_local: Lifts
    """of ``federated``"""
    over_pooled: Lifts
    over_first: Lifts
    """of ``federated`` over that of the first federation, on the seeds that both have finished"""
    seconds: Mapping[str, float]
    """of all rounds of a kind, ``moments`` or ``training``"""
    bytes_up: float | None
    """of a member in a training round; None where there was none"""


def federation_figures(finished: Iterable[tuple[Federation, int, Path]]) -> list[FederationFigures]:
    """One for each federation that has a finished seed, in their order."""
    by_name: dict[str, dict[int, Path]] = {}
    for federation, seed, folder in finished:
        by_name.setdefault(federation.name, {})[seed] = folder
    first = by_name.get(FIRST.name, {})
    return [
        _figures(federation, by_name[federation.name], first)
        for federation in FEDERATIONS
        if federation.name in by_name
    ]


def pooled_federations(measured: Sequence[FederationFigures]) -> list[Figure]:
    """One row a figure of each federation."""
    return [row for federation in measured for row in _pooled(federation)]


def federation_table(figures: Figures) -> str:
    """One line per federation in Markdown: lifts, then who takes part and what rounds cost."""
    lift_heads = (
        *("local NDCG@10", "feature over local, %", "federated over local, %"),
        *("federated over pooled, %", f"federated over that of {FIRST.name}, %"),
    )
    costs = ("seconds of the moments round / of the training rounds", "kB up a member and training round")
    heads = ("federation", "seeds", "shops", *lift_heads, *costs)
    rows = []
    for federation in FEDERATIONS:
        place = federation.place
        seeds, local = figures.value(place, "", SEEDS), figures.value(place, LOCAL, NDCG)
        if seeds is None or local is None:
            continue
        lifts = [figures.interval(place, FEATURE.name, OVER_LOCAL)]
        lifts += [figures.interval(place, FEDERATED.name, over) for over in (OVER_LOCAL, OVER_POOLED, OVER_FIRST)]
        seconds = [figures.value(place, "", metric) or 0.0 for metric in (MOMENTS_SECONDS, TRAINING_SECONDS)]
        up = figures.value(place, "", BYTES_UP)
        rows.append(
            [
                *(federation.name, f"{seeds:g}", str(len(federation.reported)), f"{local:.4f}"),
                *map(lift_text, lifts),
                " / ".join(f"{value:.1f}" for value in seconds),
                "-" if up is None else f"{up / 1000:,.0f}",
            ]
        )
    return markdown_tables([("federation", *lift_heads), ("federation", "seeds", "shops", *costs)], heads, rows)


def _pooled(measured: FederationFigures) -> Iterator[Figure]:
    place = measured.federation.place
    yield Figure(place=place, metric=SEEDS, value=measured.seeds)
    yield Figure(place=place, method=LOCAL, metric=NDCG, value=measured.local)
    yield from interval_figure(place, FEATURE.name, OVER_LOCAL, middle(measured.feature_over_local))
    lifts = {OVER_LOCAL: measured.over_local, OVER_POOLED: measured.over_pooled, OVER_FIRST: measured.over_first}
    for metric, resamples in lifts.items():
        yield from interval_figure(place, FEDERATED.name, metric, middle(resamples))
    yield Figure(place=place, metric=MOMENTS_SECONDS, value=measured.seconds["moments"])
    yield Figure(place=place, metric=TRAINING_SECONDS, value=measured.seconds["training"])
    if measured.bytes_up is not None:
        yield Figure(place=place, metric=BYTES_UP, value=measured.bytes_up)


def _figures(federation: Federation, folders: Mapping[int, Path], first: Mapping[int, Path]) -> FederationFigures:
    user_frames = _found(federation, list(folders.values()))
    sums = resampled(user_frames, rng_for(0, "benchmark", federation.name))
    rounds = [each for folder in folders.values() for each in read_result(folder / RESULT_FILE)["rounds"]]
    seconds = {
        kind: sum(each["seconds"] for each in rounds if each["kind"] == kind) for kind in ("moments", "training")
    }
    up = [each["bytes_up"] / len(each["losses"]) for each in rounds if each["kind"] == "training" and each["losses"]]
    return FederationFigures(
        federation=federation,
        seeds=len(folders),
        local=float(np.mean([mean_ndcg(user_frames[shop, LOCAL]) for shop in federation.reported])),
        feature_over_local=_lifts(federation, sums, FEATURE.name, LOCAL),
        over_local=_lifts(federation, sums, FEDERATED.name, LOCAL),
        over_pooled=_lifts(federation, sums, FEDERATED.name, POOLED.name),
        over_first=None if federation == FIRST else _over_first(federation, folders, first),
        seconds=seconds,
        bytes_up=float(np.mean(up)) if up else None,
    )


def _over_first(federation: Federation, folders: Mapping[int, Path], first: Mapping[int, Path]) -> Lifts:
    seeds = [seed for seed in folders if seed in first]
    if not seeds:
        return None
    user_frames, against = (_found(federation, [of[seed] for seed in seeds]) for of in (folders, first))
    both = {key: frames for key, frames in user_frames.items() if key[1] == FEDERATED.name}
    both |= {(shop, FIRST.name): frames for (shop, method), frames in against.items() if method == FEDERATED.name}
    return _lifts(federation, resampled(both, rng_for(0, "benchmark", federation.name)), FEDERATED.name, FIRST.name)


def _found(federation: Federation, folders: Sequence[Path]) -> Found:
    """Of what every seed has."""
    user_frames: dict[tuple[str, str], list[pl.DataFrame]] = {}
    for folder in folders:
        users = read_users(folder).filter(pl.col("platform").is_in(federation.reported))
        for (shop, method), part in users.partition_by("platform", "method", as_dict=True).items():
            user_frames.setdefault((str(shop), str(method)), []).append(part)
    return {key: frames for key, frames in user_frames.items() if len(frames) == len(folders)}


def _lifts(federation: Federation, sums: ResampledSums, method: str, base: str) -> Lifts:
    lifts = [sums.lifts((shop, method), (shop, base)) for shop in federation.reported]
    return None if any(lift is None for lift in lifts) else averaged(lifts)
