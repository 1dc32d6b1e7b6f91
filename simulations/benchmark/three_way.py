"""The three ways to transfer beside each other, each without alignment and under either: runs and their table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from client.ensemble.candidates import LOCAL
from client.fitting.fit_settings import uses
from shared.seeding import rng_for
from simulations.benchmark.pairs import MINIMA, PAIRS, Pair, platform_line
from simulations.benchmark.table import Column, lift_with_interval, mean_ndcg, resampled
from simulations.config.run_config import RunConfig
from simulations.results.result_document import read_users
from simulations.results.table import markdown

ALIGNMENTS = ("off", "probe:0.01", "coral:1")
"""Weights of docs/decisions/0005."""
TARGET = "target"


@dataclass(frozen=True, kw_only=True)
class ThreeWay:
    """One pair with all its training users, its encoder tuned under one alignment."""

    pair: Pair
    alignment: str

    @property
    def name(self) -> str:
        """Of its folder, and of what is asked for."""
        return f"ways-{self.pair.name}-{self.alignment.partition(':')[0]}"


_SHOWN = ("toys", "movielens", "news-retail")
"""A large source of the same trade, a small one, a far one."""
THREE_WAYS = tuple(
    ThreeWay(pair=pair, alignment=alignment) for pair in PAIRS if pair.name in _SHOWN for alignment in ALIGNMENTS
)


def three_way_config(one: ThreeWay, seed: int, data: Path, preset: str) -> RunConfig:
    """The run under a seed."""
    sources = {f"source-{number}": line for number, line in enumerate(one.pair.sources)}
    lines = [platform_line(name, data, line) for name, line in {**sources, TARGET: one.pair.target}.items()]
    return RunConfig.from_dict(
        {
            "source": list(sources),
            "platform": lines,
            "report": [TARGET],
            "methods": [LOCAL, *uses()],
            "alignment": one.alignment,
            "encoder": preset,
            "seed": seed,
            **MINIMA,
        }
    )


def three_way_table(finished: Sequence[tuple[ThreeWay, int, Path]]) -> str:
    """One line per pair and alignment in Markdown: lifts over ``local``."""
    folders: dict[str, list[Path]] = {}
    for one, _seed, folder in finished:
        folders.setdefault(one.name, []).append(folder)
    heads = ["pair", "related", "alignment", "seeds", "local NDCG@10", *[f"{way} over local, %" for way in uses()]]
    rows = []
    for one in [one for one in THREE_WAYS if one.name in folders]:
        found = _by_method(folders[one.name])
        sums = resampled(found, rng_for(0, "benchmark", one.name))
        rows.append(
            [
                *(one.pair.name, one.pair.relatedness, one.alignment, str(len(folders[one.name]))),
                f"{mean_ndcg(found[TARGET, LOCAL]):.4f}",
                *(lift_with_interval(sums.lifts((TARGET, way), (TARGET, LOCAL))) for way in uses()),
            ]
        )
    return markdown(heads, rows)


def _by_method(folders: Sequence[Path]) -> Mapping[Column, list[pl.DataFrame]]:
    """A frame of the users' figures for each seed, of the methods that every seed has."""
    users = [read_users(folder) for folder in folders]
    methods = set.intersection(*[set(one["method"]) for one in users])
    return {(TARGET, method): [one.filter(pl.col("method") == method) for one in users] for method in sorted(methods)}
