"""The three ways to transfer beside each other, each without alignment and under either: runs and their table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from client.ensemble.candidates import LOCAL
from client.fitting.fit_settings import uses
from shared.seeding import rng_for
from simulations.benchmark.figures import (
    NDCG,
    OVER_LOCAL,
    SEEDS,
    Figure,
    Figures,
    Place,
    interval_figure,
    lift_text,
)
from simulations.benchmark.pairs import MINIMA, PAIRS, Pair, platform_line
from simulations.benchmark.pooled_cells import Column, mean_ndcg, middle, resampled
from simulations.config.run_config import RunConfig
from simulations.results.result_document import read_users
from simulations.results.table import markdown_tables

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

    @property
    def place(self) -> Place:
        """Of figures over all seeds."""
        return Place(name=self.name, related=self.pair.pair_class, platform=TARGET)


_SHOWN = ("toys", "movielens", "news-retail")
"""A large source of the same catalogue, a small one, one of an unrelated domain."""
THREE_WAYS = tuple(
    ThreeWay(pair=pair, alignment=alignment) for pair in PAIRS if pair.name in _SHOWN for alignment in ALIGNMENTS
)


def three_way_config(three_way: ThreeWay, seed: int, data: Path, preset: str) -> RunConfig:
    """The run under a seed.

    Args:
        three_way: of the grid.
        seed: of the run.
        data: the folder that the platforms' folders lie in.
        preset: of every encoder.

    Returns:
        The config of the run.
    """
    sources = {f"source-{number}": line for number, line in enumerate(three_way.pair.sources)}
    lines = [platform_line(name, data, line) for name, line in {**sources, TARGET: three_way.pair.target}.items()]
    return RunConfig.from_dict(
        {
            "source": list(sources),
            "platform": lines,
            "report": [TARGET],
            "methods": [LOCAL, *uses()],
            "alignment": three_way.alignment,
            "encoder": preset,
            "seed": seed,
            **MINIMA,
        }
    )


def pooled_ways(finished: Iterable[tuple[ThreeWay, int, Path]]) -> list[Figure]:
    """One row a figure of each comparison of ways: lifts over ``local``."""
    folders: dict[str, list[Path]] = {}
    for comparison, _seed, folder in finished:
        folders.setdefault(comparison.name, []).append(folder)
    known = [comparison for comparison in THREE_WAYS if comparison.name in folders]
    return [row for comparison in known for row in _pooled(comparison, folders[comparison.name])]


def three_way_table(figures: Figures) -> str:
    """One line per pair and alignment in Markdown: lifts over ``local``, then what was measured."""
    lift_heads = [f"{way} over local, %" for way in uses()]
    heads = ("pair", "related", "alignment", "seeds", "local NDCG@10", *lift_heads)
    parts = (lift_heads, ("related", "seeds", "local NDCG@10"))
    rows = []
    for comparison in THREE_WAYS:
        place = comparison.place
        seeds, local = figures.value(place, "", SEEDS), figures.value(place, LOCAL, NDCG)
        if seeds is not None and local is not None:
            lifts = [figures.interval(place, way, OVER_LOCAL) for way in uses()]
            pair = comparison.pair
            row = [pair.name, pair.pair_class, comparison.alignment, f"{seeds:g}", f"{local:.4f}"]
            rows.append([*row, *map(lift_text, lifts)])
    return markdown_tables([("pair", "alignment", *part) for part in parts], heads, rows)


def _pooled(comparison: ThreeWay, folders: Sequence[Path]) -> Iterator[Figure]:
    place, users = comparison.place, _by_method(folders)
    sums = resampled(users, rng_for(0, "benchmark", comparison.name))
    yield Figure(place=place, metric=SEEDS, value=len(folders))
    yield Figure(place=place, method=LOCAL, metric=NDCG, value=mean_ndcg(users[TARGET, LOCAL]))
    for way in uses():
        yield from interval_figure(place, way, OVER_LOCAL, middle(sums.lifts((TARGET, way), (TARGET, LOCAL))))


def _by_method(folders: Sequence[Path]) -> Mapping[Column, list[pl.DataFrame]]:
    """A frame of the users' figures for each seed, of the methods that every seed has."""
    users = [read_users(folder) for folder in folders]
    methods = set.intersection(*[set(frame["method"]) for frame in users])
    return {
        (TARGET, method): [frame.filter(pl.col("method") == method) for frame in users] for method in sorted(methods)
    }
