"""The scorers a platform computes from its own events, each with the rule that may leave it out.

To add one: a file with a class like those named here, and one line in SCORERS.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from client.scorers import ease
from client.scorers.content_idf import ContentIdf
from client.scorers.content_knn import ContentKnn
from client.scorers.diffusion import Diffusion
from client.scorers.item_knn import ItemKnn
from client.scorers.item_similarity import Matrix
from client.scorers.popularity import Popularity
from client.scorers.scorer import FitData, Scorer
from client.scorers.transition import Transition
from shared.errors import ConfigError

Build = Callable[[FitData], Scorer]
"""Fits the scorer."""
Rule = Callable[[FitData], str | None]
"""Why the platform cannot have the scorer; None where it can."""
ScorerTable = Mapping[str, tuple[Build, Rule]]


def _always(_data: FitData) -> str | None:
    return None


def _needs_text(data: FitData) -> str | None:
    return None if data.features.any() else "no item has a text or a vector"


def _needs_words(data: FitData) -> str | None:
    return None if data.grams.nnz else "no item has a text"


def _needs_order(data: FitData) -> str | None:
    return None if data.ordered else "the platform's events have no order in time"


def _needs_small_catalogue(data: FitData) -> str | None:
    if data.n_items <= ease.MAX_ITEMS:
        return None
    return f"{data.n_items} items are more than the limit of {ease.MAX_ITEMS}"


SCORERS: dict[str, tuple[Build, Rule]] = {
    "popularity": (Popularity, _always),
    "content_knn": (ContentKnn, _needs_text),
    "content_idf": (ContentIdf, _needs_words),
    "item_knn": (ItemKnn, _always),
    "transition": (Transition, _needs_order),
    "diffusion": (Diffusion, _needs_text),
    "ease": (ease.Ease, _needs_small_catalogue),
}


@dataclass(frozen=True, kw_only=True)
class FittedScorers:
    """The scorers a platform has, and why it lacks the others."""

    scorers: dict[str, Scorer]
    left_out: dict[str, str]
    """scorer to reason"""
    statistics: Mapping[str, Matrix]
    """what they counted"""


def fit_scorers(data: FitData, table: ScorerTable = SCORERS) -> FittedScorers:
    """Fit every scorer of the table that the platform can have; raises ConfigError where two have a column's name."""
    reasons = {name: rule(data) for name, (_, rule) in table.items()}
    fitted = {name: build(data) for name, (build, _) in table.items() if reasons[name] is None}
    _require_distinct_columns(fitted)
    left_out = {name: reason for name, reason in reasons.items() if reason}
    return FittedScorers(scorers=fitted, left_out=left_out, statistics=data.statistics)


def _require_distinct_columns(fitted: Mapping[str, Scorer]) -> None:
    owners: dict[str, str] = {}
    for name, scorer in fitted.items():
        for column in scorer.columns:
            if column.name in owners:
                raise ConfigError(f"scorers {owners[column.name]!r} and {name!r} both have a column {column.name!r}")
            owners[column.name] = name
