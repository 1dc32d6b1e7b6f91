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
from simulations.results.outcomes import SERVED
from simulations.results.table import markdown_tables

_OVER_LOCAL = [f"{method} over local, %" for method in SHOWN]
_FEATURE_OVER_LOCAL, _SERVED_OVER_LOCAL = (f"{method} over local, %" for method in (FEATURE.name, SERVED))
_OVER_BEST_LOCAL = f"{FEATURE.name} over best local, %"


def pair_table(figures: Figures) -> str:
    """One line per pair and fraction, in Markdown: what is read first, the other methods, then who was measured."""
    first = (_FEATURE_OVER_LOCAL, _SERVED_OVER_LOCAL, _OVER_BEST_LOCAL, "gate accepts")
    others = [head for head in _OVER_LOCAL if head not in first]
    measured = ("related", "seeds", "test users")
    parts = [first, (*others, "local NDCG@10", "best local by validation"), measured]
    heads = (
        *("pair", "related", "fraction", "seeds", "test users", "local NDCG@10", "best local by validation"),
        *(*_OVER_LOCAL, _OVER_BEST_LOCAL, "gate accepts"),
    )
    rows = [row for pair in PAIRS for row in _pair_rows(figures, pair)]
    return markdown_tables([("pair", "fraction", *part) for part in parts], heads, rows)


def class_table(figures: Figures) -> str:
    """One line per class and fraction: the mean over pairs, with intervals over pairs and users.

    What is read first, then the other methods.
    """
    first = ("pairs", _FEATURE_OVER_LOCAL, _SERVED_OVER_LOCAL, _OVER_BEST_LOCAL)
    parts = [first, [head for head in _OVER_LOCAL if head not in first]]
    heads = ("related", "fraction", "pairs", *_OVER_LOCAL, _OVER_BEST_LOCAL)
    rows = []
    for related in CLASSES:
        for fraction in FRACTIONS:
            place = group_place(related, fraction)
            pairs = figures.value(place, "", PAIRS_AVERAGED)
            if pairs is not None:
                lifts = [figures.interval(place, method, OVER_LOCAL) for method in SHOWN]
                lifts.append(figures.interval(place, FEATURE.name, OVER_BEST))
                rows.append((related, f"{fraction:g}", f"{pairs:g}", *map(lift_text, lifts)))
    return markdown_tables([("related", "fraction", *part) for part in parts], heads, rows)


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
