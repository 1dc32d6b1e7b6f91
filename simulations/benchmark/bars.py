"""What the benchmark's cells are held against: each bar, what was found, and whether that reaches it.

A bar that is asked "beyond noise" is reached where the found lift is at it and its 95 % interval, over pairs and users,
lies above zero; so far, where not all that it speaks of has finished on three seeds. A class leaves out pairs of too
few test users (simulations/benchmark/table.py); the small sources do not, since one of them has no more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from client.ensemble.candidates import LOCAL, ZERO_SHOT
from client.evaluation.lift import paired_lift
from client.transfer.feature import FEATURE
from shared.seeding import rng_for
from simulations.benchmark.federations import FIRST, FederationFigures, Lifts
from simulations.benchmark.pairs import FRACTIONS, PAIRS, Pair, fraction_name
from simulations.benchmark.table import (
    AVERAGED_FROM,
    CONTENT_KNN,
    Cell,
    Float64,
    averaged,
    by_user,
    lift_with_interval,
    users_of,
)
from simulations.results.outcomes import SERVED
from simulations.results.table import markdown

LARGE = ("games", "toys", "beauty", "sports")
"""Pairs of one trade with the whole catalogue in common whose source is large."""
SMALL = ("movielens", "retail", "retail-years")
"""The same with a small source."""
LARGE_LIFTS = {1.0: 40.0, 0.2: 55.0, 0.05: 60.0}
"""Fraction of the target's training users to the lift over the best local method, in percent."""
SEEDS = 3


@dataclass(frozen=True, eq=False, kw_only=True)
class Evidence:
    """What the finished cells come to."""

    cells: Sequence[Cell]
    served_below: Sequence[bool]
    """for each pair, seed and fraction whether ``served`` is below ``local`` beyond noise"""
    federations: Sequence[FederationFigures]
    answers: Sequence[bool]
    """for each cell with a clear lift whether ``assess`` would have been right"""


@dataclass(frozen=True, kw_only=True)
class There:
    """How much of what a bar speaks of has finished."""

    seeds: Sequence[int]
    """of each of its pairs or federations that has any"""
    wanted: int
    """how many pairs or federations it speaks of"""

    @property
    def is_whole(self) -> bool:
        """Whether all have finished on three seeds."""
        return len(self.seeds) == self.wanted and min(self.seeds) >= SEEDS

    def __str__(self) -> str:
        """In words."""
        fewest, most = min(self.seeds), max(self.seeds)
        seeds = f"seeds: {most if fewest == most else f'{fewest} to {most}'}"
        return seeds if self.wanted == 1 else f"{len(self.seeds)} of {self.wanted} pairs, {seeds}"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One line of the table."""

    asked: str
    bar: str
    found: str
    reached: bool
    there: There


def served_below_local(finished: Iterable[tuple[Pair, int, Path]]) -> list[bool]:
    """For each pair, seed and fraction: whether the paired 95 % interval of what is served lies below ``local``."""
    return [
        _is_below(folder, fraction_name(fraction), seed) for _pair, seed, folder in finished for fraction in FRACTIONS
    ]


def bars_table(evidence: Evidence) -> str:
    """One line per bar of which a cell is finished, in Markdown."""
    rows = []
    for one in bars(evidence):
        reached = f"{'yes' if one.reached else 'no'}{'' if one.there.is_whole else ', so far'}"
        rows.append((one.asked, one.bar, one.found, str(one.there), reached))
    return markdown(("asked", "bar", "found", "finished", "reached"), rows)


def bars(evidence: Evidence) -> list[Bar]:
    """Every bar of which a cell is finished."""
    cells = evidence.cells
    every = _there(cells, [pair.name for pair in PAIRS])
    found = [
        _share(
            "what the gate serves is below `local` beyond noise: cells", evidence.served_below, every, at_most=0.025
        ),
        _lowest_class(cells, every),
        *_large(cells),
        _pooled("small sources of the same trade", 6.0, cells, SMALL),
        _pooled("60 % in common", 10.0, cells, _of_class(cells, "same trade, 60 % in common")),
        _pooled("neighbouring trades", 2.0, cells, _of_class(cells, "neighbouring")),
        *_federations({one.federation.name: one for one in evidence.federations}),
        _share("right answers of `assess` where the lift is beyond noise", evidence.answers, every, at_least=0.9),
    ]
    return [one for one in found if one is not None]


def _is_below(folder: Path, platform: str, seed: int) -> bool:
    users = users_of(folder, platform)
    lift = paired_lift(by_user(users, SERVED), by_user(users, LOCAL), rng_for(seed, "never-worse", platform))
    return lift is not None and lift.high < 0


def _of_class(cells: Sequence[Cell], related: str) -> list[str]:
    """Its pairs, but for those that are known to have too few test users."""
    few = {cell.pair.name for cell in cells if cell.users < AVERAGED_FROM}
    return [pair.name for pair in PAIRS if pair.relatedness == related and pair.name not in few]


def _there(cells: Sequence[Cell], names: Sequence[str]) -> There:
    return There(
        seeds=list({cell.pair.name: cell.seeds for cell in cells if cell.pair.name in names}.values()),
        wanted=len(names),
    )


def _lowest_class(cells: Sequence[Cell], there: There) -> Bar | None:
    classes: dict[str, list[Lifts]] = {}
    for cell in (cell for cell in cells if cell.users >= AVERAGED_FROM):
        classes.setdefault(cell.pair.relatedness, []).append(cell.lifts.get(SERVED))
    lifts = {related: averaged(found) for related, found in classes.items()}
    means = {related: float(found[0]) for related, found in lifts.items() if found is not None}
    if not means:
        return None
    lowest = min(means, key=lambda related: means[related])
    asked, text = "the same over `local` on average, the lowest class", f"{means[lowest]:+.1f} % ({lowest})"
    return Bar(asked=asked, bar="-0.5 %", found=text, reached=means[lowest] >= -0.5, there=there)


def _large(cells: Sequence[Cell]) -> list[Bar | None]:
    found: list[Bar | None] = []
    there = _there(cells, LARGE)
    for fraction, bar in LARGE_LIFTS.items():
        inside = [cell for cell in cells if cell.pair.name in LARGE and cell.fraction == fraction]
        asked = f"`{FEATURE.name}` over the best local method, large sources of the same trade, fraction {fraction:g}"
        found.append(_lift(asked, averaged([cell.over_best.get(FEATURE.name) for cell in inside]), bar, there))
        with_feature = [cell for cell in inside if FEATURE.name in cell.over_best]
        single = {cell.pair.name: float(cell.over_best[FEATURE.name][0]) for cell in with_feature}
        if single:
            lowest = min(single, key=lambda name: single[name])
            asked, text = f"{asked}, the lowest", f"{single[lowest]:+.1f} % ({lowest})"
            found.append(Bar(asked=asked, bar="+30 %", found=text, reached=single[lowest] >= 30, there=there))
    whole = [cell for cell in cells if cell.pair.name in LARGE and cell.fraction == 1]
    asked = f"`{ZERO_SHOT}` over `{CONTENT_KNN}`, large sources of the same trade"
    return [*found, _lift(asked, averaged([cell.over_content.get(ZERO_SHOT) for cell in whole]), 45.0, there)]


def _pooled(asked: str, bar: float, cells: Sequence[Cell], names: Sequence[str]) -> Bar | None:
    """Over pairs; a pair's fractions are averaged first, since they have their users in common."""
    by_pair: dict[str, list[Float64]] = {}
    for cell in cells:
        if cell.pair.name in names and FEATURE.name in cell.over_best:
            by_pair.setdefault(cell.pair.name, []).append(cell.over_best[FEATURE.name])
    means: list[Lifts] = [np.stack(lifts).mean(0) for lifts in by_pair.values()]
    asked = f"`{FEATURE.name}` over the best local method, {asked}, mean of all fractions"
    return _lift(asked, averaged(means), bar, _there(cells, names))


def _federations(found: Mapping[str, FederationFigures]) -> list[Bar | None]:
    first = found.get(FIRST.name)
    bars: list[Bar | None] = []
    if first is not None:
        there = _finished(first)
        bars.append(_lift("`federated` over `local`, eight medium shops", first.over_local, 20.0, there))
        bars.append(_cost("`federated` over `pooled`, the same shops", first.over_pooled, 3.0, there))
        if first.seconds["training"]:
            share = first.seconds["moments"] / first.seconds["training"]
            asked = "seconds of the moments round to those of the training rounds"
            bars.append(_ratio(asked, share, 20, there))
    far = found.get("shops-far-helpful")
    if far is not None:
        asked = "`federated` beside three far platforms, weights by helpfulness, over that without them"
        bars.append(_cost(asked, far.over_first, 1.0, _finished(far)))
    for name, form in (("shops-adapters", "low-rank updates"), ("shops-bytes", "steps of a byte a number")):
        one = found.get(name)
        if one is None or first is None or not one.bytes_up or not first.bytes_up:
            continue
        there = _finished(one)
        bars.append(_ratio(f"bytes up, {form} to whole updates", one.bytes_up / first.bytes_up, 8, there))
        bars.append(_cost(f"`federated` by {form} over that by whole updates", one.over_first, 1.0, there))
    return bars


def _finished(one: FederationFigures) -> There:
    return There(seeds=[one.seeds], wanted=1)


def _lift(asked: str, lifts: Lifts, bar: float, there: There) -> Bar | None:
    """At least ``bar`` percent, and beyond noise."""
    if lifts is None:
        return None
    reached = bool(lifts[0] >= bar and np.percentile(lifts[1:], 2.5) > 0)
    found = f"{lift_with_interval(lifts)} %"
    return Bar(asked=asked, bar=f"+{bar:g} %, beyond noise", found=found, reached=reached, there=there)


def _cost(asked: str, lifts: Lifts, bar: float, there: There) -> Bar | None:
    """At most ``bar`` percent lost."""
    if lifts is None:
        return None
    found = f"{lift_with_interval(lifts)} %"
    return Bar(asked=asked, bar=f"-{bar:g} %", found=found, reached=bool(lifts[0] >= -bar), there=there)


def _ratio(asked: str, share: float, bar: int, there: There) -> Bar:
    """At most one in ``bar``."""
    found = f"1/{1 / share:.1f}" if share else "0"
    return Bar(asked=asked, bar=f"1/{bar}", found=found, reached=share <= 1 / bar, there=there)


def _share(
    asked: str, found: Sequence[bool], there: There, *, at_least: float = 0.0, at_most: float = 1.0
) -> Bar | None:
    if not found:
        return None
    share = sum(found) / len(found)
    return Bar(
        asked=asked,
        bar=f"at least {at_least:.0%}" if at_least else f"at most {at_most:.1%}",
        found=f"{sum(found)} of {len(found)} ({share:.1%})",
        reached=at_least <= share <= at_most,
        there=there,
    )
