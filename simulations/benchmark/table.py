"""The page's tables of pairs: per class and fraction, and per pair and fraction."""

from collections.abc import Iterator

from client.ensemble.candidates import LOCAL
from client.transfer.feature import FEATURE
from client.transfer.table import local_methods
from simulations.benchmark.figures import (
    GATE_ACCEPTS,
    NDCG,
    OVER_BEST,
    OVER_LOCAL,
    PAIRS_AVERAGED,
    SEEDS,
    TEST_USERS,
    VALIDATION,
    Figures,
    group_place,
    lift_text,
    place_of,
)
from simulations.benchmark.pairs import CLASSES, FRACTIONS, PAIRS, Pair
from simulations.benchmark.pooled_cells import SHOWN, best_by_validation
from simulations.results.table import markdown


def pair_table(figures: Figures) -> str:
    """One line per pair and fraction, in Markdown."""
    heads = (
        *("pair", "related", "fraction", "seeds", "test users", "local NDCG@10", "best local by validation"),
        *(f"{method} over local, %" for method in SHOWN),
        *("feature over best local, %", "gate accepts"),
    )
    return markdown(heads, [row for pair in PAIRS for row in _pair_rows(figures, pair)])


def class_table(figures: Figures) -> str:
    """One line per class and fraction: the mean over pairs, with intervals over pairs and users."""
    over_local = [f"{method} over local, %" for method in SHOWN]
    heads = ("related", "fraction", "pairs", *over_local, "feature over best local, %")
    rows = []
    for related in CLASSES:
        for fraction in FRACTIONS:
            place = group_place(related, fraction)
            pairs = figures.value(place, "", PAIRS_AVERAGED)
            if pairs is not None:
                lifts = [figures.interval(place, method, OVER_LOCAL) for method in SHOWN]
                lifts.append(figures.interval(place, FEATURE.name, OVER_BEST))
                rows.append((related, f"{fraction:g}", f"{pairs:g}", *map(lift_text, lifts)))
    return markdown(heads, rows)


def _pair_rows(figures: Figures, pair: Pair) -> Iterator[tuple[str, ...]]:
    seeds = figures.value(place_of(pair), "", SEEDS)
    for fraction in FRACTIONS:
        place = place_of(pair, fraction)
        users, local = figures.value(place, "", TEST_USERS), figures.value(place, LOCAL, NDCG)
        if seeds is None or users is None or local is None:
            continue
        lifts = [figures.interval(place, method, OVER_LOCAL) for method in SHOWN]
        lifts.append(figures.interval(place, FEATURE.name, OVER_BEST))
        yield (
            *(pair.name, pair.pair_class, f"{fraction:g}", f"{seeds:g}", f"{users:g}", f"{local:.4f}"),
            ", ".join(dict.fromkeys(_best_local(figures, pair, fraction))),
            *map(lift_text, lifts),
            f"{figures.value(place, '', GATE_ACCEPTS):g} of {seeds:g}",
        )


def _best_local(figures: Figures, pair: Pair, fraction: float) -> Iterator[str]:
    """By seed, the local method that validation would pick."""
    for seed in figures.seeds(pair.name):
        place = place_of(pair, fraction, seed)
        measured = {method: figures.value(place, method, VALIDATION) for method in local_methods()}
        validation = {method: value for method, value in measured.items() if value is not None}
        yield best_by_validation(validation, local_methods())
