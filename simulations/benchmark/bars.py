"""What the benchmark's cells are held against: each bar, what was found, and whether that reaches it.

A bar that is asked "beyond noise" is reached where the found lift is at it and its 95 % interval, over pairs and users,
lies above zero; so far, where not all that it speaks of has finished on three seeds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from client.ensemble.candidates import ZERO_SHOT
from client.evaluation.lift import Interval
from client.transfer.feature import FEATURE, FEDERATED
from simulations.benchmark.federations import FEDERATIONS, FIRST
from simulations.benchmark.figures import (
    BYTES_UP,
    MOMENTS_SECONDS,
    OVER_BEST,
    OVER_CONTENT,
    OVER_FIRST,
    OVER_LOCAL,
    OVER_POOLED,
    SEEDS,
    TEST_USERS,
    TRAINING_SECONDS,
    Figures,
    Place,
    group_place,
    lift_text,
    place_of,
)
from simulations.benchmark.groups import LARGE_SOURCES, MEMBERS, SMALL_SOURCES
from simulations.benchmark.pairs import CLASSES, FRACTIONS, PAIRS, PairClass
from simulations.benchmark.pooled_cells import AVERAGED_FROM, CONTENT_KNN
from simulations.results.outcomes import SERVED
from simulations.results.table import markdown

LARGE_LIFTS = {1.0: 40.0, 0.2: 55.0, 0.05: 60.0}
"""Fraction of the target's training users to the lift over the best local method, in percent."""
SEEDS_ASKED = 3


@dataclass(frozen=True, eq=False, kw_only=True)
class Evidence:
    """What the finished cells come to."""

    figures: Figures
    served_below: Sequence[bool]
    """for each pair, seed and fraction whether ``served`` is below ``local`` beyond noise"""
    answers: Sequence[bool]
    """for each cell with a clear lift whether ``assess`` would have been right"""


@dataclass(frozen=True, kw_only=True)
class There:
    """How much of what a bar speaks of has finished."""

    seeds: Sequence[int]
    """of each of its pairs or federations that has any"""
    entry_count: int
    """how many pairs or federations it speaks of"""

    @property
    def is_whole(self) -> bool:
        """Whether all have finished on three seeds."""
        return len(self.seeds) == self.entry_count and min(self.seeds) >= SEEDS_ASKED

    def __str__(self) -> str:
        """In words."""
        fewest, most = min(self.seeds), max(self.seeds)
        seeds = f"seeds: {most if fewest == most else f'{fewest} to {most}'}"
        return seeds if self.entry_count == 1 else f"{len(self.seeds)} of {self.entry_count} pairs, {seeds}"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One line of the table."""

    requirement: str
    bar: str
    figure: str
    reached: bool
    there: There


def served_below_local(figures: Figures) -> list[bool]:
    """For each pair, seed and fraction: whether the paired 95 % interval of what is served lies below ``local``."""
    lifts = [
        figures.interval(place_of(pair, fraction, seed), SERVED, OVER_LOCAL)
        for pair in PAIRS
        for seed in figures.seeds(pair.name)
        for fraction in FRACTIONS
    ]
    return [lift is not None and lift.high < 0 for lift in lifts]


def bars_table(evidence: Evidence) -> str:
    """One line per bar of which a cell is finished, in Markdown."""
    rows = []
    for bar in bars(evidence):
        reached = f"{'yes' if bar.reached else 'no'}{'' if bar.there.is_whole else ', so far'}"
        rows.append((bar.requirement, bar.bar, bar.figure, str(bar.there), reached))
    return markdown(("asked", "bar", "found", "finished", "reached"), rows)


def bars(evidence: Evidence) -> list[Bar]:
    """Every bar of which a cell is finished."""
    figures = evidence.figures
    every = _there(figures, [pair.name for pair in PAIRS])
    all_bars = [
        _share(
            "what the gate serves is below `local` beyond noise: cells", evidence.served_below, every, at_most=0.025
        ),
        _lowest_class(figures, every),
        *_large(figures),
        _pooled("small sources of the same catalogue", 6.0, figures, SMALL_SOURCES, MEMBERS[SMALL_SOURCES]),
        _pooled_class("60 % in common", 10.0, figures, "catalogues with 60 % in common"),
        _pooled_class("related domains", 2.0, figures, "related domains"),
        *_rounds(figures),
        *_members(figures),
        _share("right answers of `assess` where the lift is beyond noise", evidence.answers, every, at_least=0.9),
    ]
    return [bar for bar in all_bars if bar is not None]


def _of_class(figures: Figures, related: PairClass) -> list[str]:
    """Its pairs, but for those that are known to have too few test users."""
    users = {
        pair.name: [figures.value(place_of(pair, fraction), "", TEST_USERS) for fraction in FRACTIONS]
        for pair in PAIRS
        if pair.pair_class == related
    }
    few = {name for name, counts in users.items() if any(count and count < AVERAGED_FROM for count in counts)}
    return [name for name in users if name not in few]


def _there(figures: Figures, names: Sequence[str]) -> There:
    seeds = [figures.value(place_of(pair), "", SEEDS) for pair in PAIRS if pair.name in names]
    return There(seeds=[int(count) for count in seeds if count is not None], entry_count=len(names))


def _lowest_class(figures: Figures, there: There) -> Bar | None:
    lifts = {related: figures.value(group_place(related), SERVED, OVER_LOCAL) for related in CLASSES}
    means = {related: lift for related, lift in lifts.items() if lift is not None}
    if not means:
        return None
    lowest = min(means, key=lambda related: means[related])
    requirement, text = "the same over `local` on average, the lowest class", f"{means[lowest]:+.1f} % ({lowest})"
    return Bar(requirement=requirement, bar="-0.5 %", figure=text, reached=means[lowest] >= -0.5, there=there)


def _large(figures: Figures) -> list[Bar | None]:
    large_bars: list[Bar | None] = []
    names = MEMBERS[LARGE_SOURCES]
    there = _there(figures, names)
    for fraction, bar in LARGE_LIFTS.items():
        requirement = f"`{FEATURE.name}` over the best local method, {LARGE_SOURCES}, fraction {fraction:g}"
        lift = figures.interval(group_place(LARGE_SOURCES, fraction), FEATURE.name, OVER_BEST)
        large_bars.append(_lift(requirement, lift, bar, there))
        places = {pair.name: place_of(pair, fraction) for pair in PAIRS if pair.name in names}
        lifts = {name: figures.value(place, FEATURE.name, OVER_BEST) for name, place in places.items()}
        single = {name: value for name, value in lifts.items() if value is not None}
        if single:
            lowest = min(single, key=lambda name: single[name])
            requirement, text = f"{requirement}, the lowest", f"{single[lowest]:+.1f} % ({lowest})"
            large_bars.append(
                Bar(requirement=requirement, bar="+30 %", figure=text, reached=single[lowest] >= 30, there=there)
            )
    requirement = f"`{ZERO_SHOT}` over `{CONTENT_KNN}`, {LARGE_SOURCES}"
    lift = figures.interval(group_place(LARGE_SOURCES, 1.0), ZERO_SHOT, OVER_CONTENT)
    return [*large_bars, _lift(requirement, lift, 45.0, there)]


def _pooled_class(group_words: str, bar: float, figures: Figures, related: PairClass) -> Bar | None:
    return _pooled(group_words, bar, figures, related, _of_class(figures, related))


def _pooled(group_words: str, bar: float, figures: Figures, group: str, names: Sequence[str]) -> Bar | None:
    """Over the group's pairs and all fractions."""
    requirement = f"`{FEATURE.name}` over the best local method, {group_words}, mean of all fractions"
    lift = figures.interval(group_place(group), FEATURE.name, OVER_BEST)
    return _lift(requirement, lift, bar, _there(figures, names))


def _rounds(figures: Figures) -> list[Bar | None]:
    """What rounds are worth to the shops of the first federation, and what its moments round takes."""
    place = FIRST.place
    there = _finished(figures, place)
    over_local, over_pooled = (figures.interval(place, FEDERATED.name, metric) for metric in (OVER_LOCAL, OVER_POOLED))
    bars = [
        _lift("`federated` over `local`, eight medium shops", over_local, 20.0, there),
        _cost("`federated` over `pooled`, the same shops", over_pooled, 3.0, there),
    ]
    moments, training = (figures.value(place, "", metric) for metric in (MOMENTS_SECONDS, TRAINING_SECONDS))
    if moments is not None and training:
        requirement = "seconds of the moments round to those of the training rounds"
        bars.append(_ratio(requirement, moments / training, 20, there))
    return bars


def _members(figures: Figures) -> list[Bar | None]:
    """What unrelated members and fewer bytes cost the shops."""
    places = {federation.name: federation.place for federation in FEDERATIONS}
    over_first = {name: figures.interval(place, FEDERATED.name, OVER_FIRST) for name, place in places.items()}
    requirement = "`federated` beside three unrelated platforms, weights by similarity, over that without them"
    by_similarity = "shops-far-helpful"
    bars = [_cost(requirement, over_first[by_similarity], 1.0, _finished(figures, places[by_similarity]))]
    whole = figures.value(FIRST.place, "", BYTES_UP)
    for name, form in (("shops-adapters", "low-rank updates"), ("shops-bytes", "int8 deltas")):
        up = figures.value(places[name], "", BYTES_UP)
        if not up or not whole:
            continue
        there = _finished(figures, places[name])
        bars.append(_ratio(f"bytes up, {form} to whole updates", up / whole, 8, there))
        bars.append(_cost(f"`federated` by {form} over that by whole updates", over_first[name], 1.0, there))
    return bars


def _finished(figures: Figures, place: Place) -> There:
    return There(seeds=[int(figures.value(place, "", SEEDS) or 0)], entry_count=1)


def _lift(requirement: str, lift: Interval | None, bar: float, there: There) -> Bar | None:
    """At least ``bar`` percent, and beyond noise."""
    if lift is None:
        return None
    reached = lift.mean >= bar and lift.low > 0
    return Bar(
        requirement=requirement,
        bar=f"+{bar:g} %, beyond noise",
        figure=f"{lift_text(lift)} %",
        reached=reached,
        there=there,
    )


def _cost(requirement: str, lift: Interval | None, bar: float, there: There) -> Bar | None:
    """At most ``bar`` percent lost."""
    if lift is None:
        return None
    return Bar(
        requirement=requirement,
        bar=f"-{bar:g} %",
        figure=f"{lift_text(lift)} %",
        reached=lift.mean >= -bar,
        there=there,
    )


def _ratio(requirement: str, share: float, bar: int, there: There) -> Bar:
    """At most one in ``bar``."""
    figure = f"1/{1 / share:.1f}" if share else "0"
    return Bar(requirement=requirement, bar=f"1/{bar}", figure=figure, reached=share <= 1 / bar, there=there)


def _share(
    requirement: str, cases: Sequence[bool], there: There, *, at_least: float = 0.0, at_most: float = 1.0
) -> Bar | None:
    if not cases:
        return None
    share = sum(cases) / len(cases)
    return Bar(
        requirement=requirement,
        bar=f"at least {at_least:.0%}" if at_least else f"at most {at_most:.1%}",
        figure=f"{sum(cases)} of {len(cases)} ({share:.1%})",
        reached=at_least <= share <= at_most,
        there=there,
    )
