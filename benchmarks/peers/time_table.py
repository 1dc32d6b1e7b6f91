"""How ``local`` stands beside the peers where time is cut: the table, and what follows from it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.narrow_tables import MOST_COLUMNS, narrow_tables
from benchmarks.time_platforms import NEWS
from client.evaluation.lift import Interval, paired_lift
from shared.seeding import rng_for

OURS = "local"
LEAST_USERS = 300
"""Warm test users below which a platform is shown apart."""
BAR, FLOOR = 1.1, 0.97
WAYS = ("live", "frozen")


@dataclass(frozen=True, eq=False, kw_only=True)
class Cell:
    """What ours or a peer did on a platform under a seed."""

    platform: str
    part: str
    """a peer's name, or ``OURS``"""
    seed: int
    answer: Mapping[str, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Row:
    """A platform one way, live or frozen: warm test users of all seeds, one after the other."""

    platform: str
    way: str
    users: int
    """of one seed, on average"""
    figures: Mapping[str, NDArray[np.float64]]
    """ours and each peer to NDCG@10 by user"""
    best: str
    """the peer whose mean on test baskets is the highest: none could have chosen better"""
    ratio: Interval
    """ours over the best peer"""

    @property
    def counts(self) -> bool:
        """Whether enough users stand behind it."""
        return self.users >= LEAST_USERS


def rows(cells: Sequence[Cell]) -> list[Row]:
    """Every platform for which all parts answered under all seeds, live and frozen."""
    parts = dict.fromkeys(cell.part for cell in cells)
    filled = []
    for platform in dict.fromkeys(cell.platform for cell in cells):
        by_part = {part: [c for c in cells if (c.platform, c.part) == (platform, part)] for part in parts}
        seeds = [{cell.seed for cell in part_cells} for part_cells in by_part.values()]
        if all(part_seeds == seeds[0] for part_seeds in seeds):
            filled += [_row(platform, way, by_part) for way in WAYS]
    return filled


def _row(platform: str, way: str, by_part: Mapping[str, Sequence[Cell]]) -> Row:
    warm = [np.array(cell.answer["warm"], bool) for cell in by_part[OURS]]
    figures = {
        part: np.concatenate([_values(cell, way)[who] for cell, who in zip(part_cells, warm, strict=True)])
        for part, part_cells in by_part.items()
    }
    best = max((name for name in figures if name != OURS), key=lambda name: figures[name].mean())
    lift = paired_lift(figures[OURS], figures[best], rng_for(0, "time-peers", platform, way))
    nothing = Interval(mean=float("inf"), low=float("inf"), high=float("inf"))
    ratio = nothing if lift is None else Interval(**{key: 1 + value / 100 for key, value in lift.to_json().items()})
    users = round(len(figures[OURS]) / len(warm))
    return Row(platform=platform, way=way, users=users, figures=figures, best=best, ratio=ratio)


def _values(cell: Cell, way: str) -> NDArray[np.float64]:
    answer = cell.answer[OURS] if cell.part == OURS else cell.answer
    return np.array(answer[way], np.float64)


def table(cells: Sequence[Cell]) -> Iterator[str]:
    """Lines of Markdown: the rows that count, those apart, the verdict, each peer's settings."""
    all_rows = rows(cells)
    if not all_rows:
        return
    peers = [name for name in all_rows[0].figures if name != OURS]
    for counted in (True, False):
        shown_rows = [row for row in all_rows if row.counts == counted]
        if shown_rows:
            yield f"{'' if counted else 'Fewer than '}{LEAST_USERS} warm test users{' and more' if counted else ''}:"
            yield ""
            yield from _figures(shown_rows, peers)
            yield ""
    for way in WAYS:
        yield from _verdict([row for row in all_rows if row.counts and row.way == way], way)
    yield ""
    yield from _settings(cells)


def _figures(shown_rows: Sequence[Row], peers: Sequence[str]) -> Iterator[str]:
    heads = ("platform", "", "warm test users", f"`{OURS}`", "ratio to the best peer", *peers)
    cuts = range(5, len(heads), MOST_COLUMNS - 2)
    yield from narrow_tables(heads, [_cells(row, peers) for row in shown_rows], keys=2, cuts=cuts).splitlines()


def _cells(row: Row, peers: Sequence[str]) -> tuple[str, ...]:
    shown = {name: f"{values.mean():.4f}" for name, values in row.figures.items()}
    shown[row.best] = f"**{shown[row.best]}**"
    ratio = f"{row.ratio.mean:.2f} [{row.ratio.low:.2f}, {row.ratio.high:.2f}]"
    return (row.platform, row.way, f"{row.users:,}", shown[OURS], ratio, *(shown[name] for name in peers))


def _verdict(way_rows: Sequence[Row], way: str) -> Iterator[str]:
    judged_rows = [row for row in way_rows if way == "live" or row.platform not in NEWS]
    below = [row.platform for row in judged_rows if row.ratio.high < FLOOR]
    ratios = [row.ratio.mean for row in judged_rows if row.platform not in NEWS]
    if ratios:
        mean = float(np.exp(np.mean(np.log(np.maximum(ratios, 1e-9)))))
        words = ", ".join(below) or "none"
        yield f"- {way}: geometric mean without news {mean:.3f} (asked {BAR}); below {FLOOR} beyond noise: {words}"


def _settings(cells: Sequence[Cell]) -> Iterator[str]:
    yield "| platform | peer | settings of seed 0 | NDCG@10 on validation | tried | processor seconds |"
    yield "|---|---|---|---|---|---|"
    for cell in cells:
        if cell.part != OURS and cell.seed == 0:
            answer = cell.answer
            words = ", ".join(
                f"{key} {value:g}" if isinstance(value, float) else f"{key} {value}"
                for key, value in answer["settings"].items()
            )
            figures = f"{answer['validation']:.4f} | {len(answer['tried'])} | {answer['seconds']:.0f}"
            yield f"| {cell.platform} | {cell.part} | {words} | {figures} |"
