"""What the benchmark's cells are held against: each bar, what was found, and whether that reaches it.

A bar that is asked "beyond noise" is reached where the found lift is at it and its 95 % interval, over pairs and users,
lies above zero. A class leaves out pairs of too few test users (simulations/benchmark/table.py); the small sources do
not, since one of them has no more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from client.evaluation.lift import paired_lift
from client.recommender.candidates import LOCAL
from shared.seeding import rng_for
from simulations.benchmark.federation_table import FIRST, FederationFigures, Lifts
from simulations.benchmark.pairs import FRACTIONS, Pair, fraction_name
from simulations.benchmark.table import (
    AVERAGED_FROM,
    CONTENT_KNN,
    FEATURE,
    ZERO_SHOT,
    Cell,
    Float64,
    averaged,
    by_user,
    lift_with_interval,
    users_of,
)
from simulations.outcomes import SERVED

LARGE = ("games", "toys", "beauty", "sports")
"""Pairs of one trade with the whole catalogue in common whose source is large."""
SMALL = ("movielens", "retail", "retail-years")
"""The same with a small source."""
LARGE_LIFTS = {1.0: 40.0, 0.2: 55.0, 0.05: 60.0}
"""Fraction of the target's training users to the lift over the best local method, in percent."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the finished cells come to."""

    cells: Sequence[Cell]
    served_below: Sequence[bool]
    """for each pair, seed and fraction whether ``served`` is below ``local`` beyond noise"""
    federations: Sequence[FederationFigures]
    answers: Sequence[bool]
    """for each cell with a clear lift whether ``assess`` would have been right"""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One line of the table."""

    asked: str
    bar: str
    found: str
    reached: bool


def served_below_local(finished: Iterable[tuple[Pair, int, Path]]) -> list[bool]:
    """For each pair, seed and fraction: whether the paired 95 % interval of what is served lies below ``local``."""
    return [
        _is_below(folder, fraction_name(fraction), seed) for _pair, seed, folder in finished for fraction in FRACTIONS
    ]


def bars_table(evidence: Evidence) -> str:
    """One line per bar of which a cell is finished, in Markdown."""
    rows = [(one.asked, one.bar, one.found, "yes" if one.reached else "no") for one in bars(evidence)]
    heads = ["| asked | bar | found | reached |", "|---|---|---|---|"]
    return "\n".join([*heads, *[f"| {' | '.join(row)} |" for row in rows]]) + "\n"


def bars(evidence: Evidence) -> list[Bar]:
    """Every bar of which a cell is finished."""
    found = [
        *_never_worse(evidence),
        *_large(evidence.cells),
        _pooled("small sources of the same trade", 6.0, [cell for cell in evidence.cells if cell.pair.name in SMALL]),
        _pooled("60 % in common", 10.0, _averaged_cells(evidence.cells, "same trade, 60 % in common")),
        _pooled("neighbouring trades", 2.0, _averaged_cells(evidence.cells, "neighbouring")),
        *_federations({one.federation.name: one for one in evidence.federations}),
        _share("answers of `assess` that are right where the lift is beyond noise", evidence.answers, at_least=0.9),
    ]
    return [one for one in found if one is not None]


def _is_below(folder: Path, platform: str, seed: int) -> bool:
    users = users_of(folder, platform)
    lift = paired_lift(by_user(users, SERVED), by_user(users, LOCAL), rng_for(seed, "never-worse", platform))
    return lift is not None and lift.high < 0


def _never_worse(evidence: Evidence) -> list[Bar | None]:
    asked = "what the gate serves is below `local` beyond noise: cells"
    below = _share(asked, evidence.served_below, at_most=0.025)
    classes = {
        related: averaged([cell.lifts.get(SERVED) for cell in _averaged_cells(evidence.cells, related)])
        for related in dict.fromkeys(cell.pair.relatedness for cell in evidence.cells)
    }
    there = {related: float(lifts[0]) for related, lifts in classes.items() if lifts is not None}
    if not there:
        return [below]
    worst = min(there, key=lambda related: there[related])
    lowest = Bar(
        asked="the same over `local` on average, the lowest class",
        bar="-.5 %",
        found=f"{there[worst]:+.1f} % ({worst})",
        reached=there[worst] >= -0.5,
    )
    return [below, lowest]


def _averaged_cells(cells: Sequence[Cell], related: str) -> list[Cell]:
    return [cell for cell in cells if cell.pair.relatedness == related and cell.users >= AVERAGED_FROM]


def _large(cells: Sequence[Cell]) -> list[Bar | None]:
    found: list[Bar | None] = []
    for fraction, bar in LARGE_LIFTS.items():
        inside = [cell for cell in cells if cell.pair.name in LARGE and cell.fraction == fraction]
        asked = f"`{FEATURE}` over the best local method, large sources of the same trade, fraction {fraction:g}"
        found.append(_lift(asked, averaged([cell.over_best.get(FEATURE) for cell in inside]), bar))
        single = {cell.pair.name: float(cell.over_best[FEATURE][0]) for cell in inside if FEATURE in cell.over_best}
        if single:
            lowest = min(single, key=lambda name: single[name])
            text = f"{single[lowest]:+.1f} % ({lowest})"
            found.append(Bar(asked=f"{asked}, the lowest", bar="+30 %", found=text, reached=single[lowest] >= 30))
    whole = [cell for cell in cells if cell.pair.name in LARGE and cell.fraction == 1]
    asked = f"`{ZERO_SHOT}` over `{CONTENT_KNN}`, large sources of the same trade"
    return [*found, _lift(asked, averaged([cell.over_content.get(ZERO_SHOT) for cell in whole]), 45.0)]


def _pooled(asked: str, bar: float, cells: Sequence[Cell]) -> Bar | None:
    """Over pairs; a pair's fractions are averaged first, since they have their users in common."""
    by_pair: dict[str, list[Float64]] = {}
    for cell in cells:
        if FEATURE in cell.over_best:
            by_pair.setdefault(cell.pair.name, []).append(cell.over_best[FEATURE])
    means: list[Lifts] = [np.stack(lifts).mean(0) for lifts in by_pair.values()]
    return _lift(f"`{FEATURE}` over the best local method, {asked}, mean of all fractions", averaged(means), bar)


def _federations(found: Mapping[str, FederationFigures]) -> list[Bar | None]:
    first = found.get(FIRST.name)
    bars: list[Bar | None] = []
    if first is not None:
        bars.append(_lift("`federated` over `local`, eight medium shops", first.over_local, 20.0))
        bars.append(_cost("`federated` over `pooled`, the same shops", first.over_pooled, 3.0))
        share = first.seconds["moments"] / first.seconds["training"] if first.seconds["training"] else np.inf
        asked = "seconds of the moments round to those of the training rounds"
        bars.append(Bar(asked=asked, bar="1/20", found=f"1/{1 / share:.0f}", reached=share <= 1 / 20))
    far = found.get("shops-far-helpful")
    if far is not None:
        bars.append(_cost("the same beside three far platforms, weights by helpfulness", far.over_first, 1.0))
    for name, form in (("shops-adapters", "low-rank updates"), ("shops-bytes", "steps of a byte a number")):
        one = found.get(name)
        if one is None or first is None or not one.bytes_up or not first.bytes_up:
            continue
        share = one.bytes_up / first.bytes_up
        bars.append(Bar(asked=f"bytes up, {form}", bar="1/8", found=f"1/{1 / share:.1f}", reached=share <= 1 / 8))
        bars.append(_cost(f"`federated` by {form} over whole updates", one.over_first, 1.0))
    return bars


def _lift(asked: str, lifts: Lifts, bar: float) -> Bar | None:
    """At least ``bar`` percent, and beyond noise."""
    if lifts is None:
        return None
    reached = bool(lifts[0] >= bar and np.percentile(lifts[1:], 2.5) > 0)
    return Bar(asked=asked, bar=f"+{bar:g} %, beyond noise", found=f"{lift_with_interval(lifts)} %", reached=reached)


def _cost(asked: str, lifts: Lifts, bar: float) -> Bar | None:
    """At most ``bar`` percent lost."""
    if lifts is None:
        return None
    return Bar(asked=asked, bar=f"-{bar:g} %", found=f"{lift_with_interval(lifts)} %", reached=bool(lifts[0] >= -bar))


def _share(
    asked: str, found: Sequence[bool], *, at_least: float | None = None, at_most: float | None = None
) -> Bar | None:
    if not found:
        return None
    share = sum(found) / len(found)
    reached = (at_least is None or share >= at_least) and (at_most is None or share <= at_most)
    bar = f"at most {at_most:.1%}" if at_least is None else f"at least {at_least:.0%}"
    return Bar(asked=asked, bar=bar, found=f"{sum(found)} of {len(found)} ({share:.1%})", reached=reached)
