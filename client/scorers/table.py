"""The scorers a platform computes from its own events, each with the rule that may leave it out.

To add one: a file with a class like those named here, and one line in ``scorer_table``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from client.scorers.age import Age, AgeSettings
from client.scorers.basket import Basket, BasketSettings
from client.scorers.content_idf import ContentIdf, ContentIdfSettings
from client.scorers.content_knn import ContentKnn, ContentKnnSettings
from client.scorers.cooccurrence import Matrix
from client.scorers.diffusion import Diffusion, DiffusionSettings
from client.scorers.ease import Ease, EaseSettings
from client.scorers.item_knn import ItemKnn, ItemKnnSettings
from client.scorers.popularity import Popularity
from client.scorers.recent import Recent, RecentSettings
from client.scorers.repeat_counts import RepeatCounts, RepeatCountsSettings
from client.scorers.scorer import FitData, Scorer
from client.scorers.shown import Shown
from client.scorers.transition import LONG, Transition, TransitionSettings
from shared.errors import ConfigError

Build = Callable[[FitData], Scorer]
"""Fits the scorer."""
Rule = Callable[[FitData], str | None]
"""Why the platform cannot have the scorer; None where it can."""
ScorerTable = Mapping[str, tuple[Build, Rule]]


@dataclass(frozen=True, kw_only=True)
class ScorerSettings:
    """What may be chosen about each computed scorer, by its name in the table."""

    content_knn: ContentKnnSettings = field(default_factory=ContentKnnSettings)
    content_idf: ContentIdfSettings = field(default_factory=ContentIdfSettings)
    item_knn: ItemKnnSettings = field(default_factory=ItemKnnSettings)
    transition: TransitionSettings = field(default_factory=TransitionSettings)
    diffusion: DiffusionSettings = field(default_factory=DiffusionSettings)
    ease: EaseSettings = field(default_factory=EaseSettings)
    recent: RecentSettings = field(default_factory=RecentSettings)
    age: AgeSettings = field(default_factory=AgeSettings)
    repeat_counts: RepeatCountsSettings = field(default_factory=RepeatCountsSettings)
    transition_long: TransitionSettings = LONG
    basket: BasketSettings = field(default_factory=BasketSettings)


def _always(_data: FitData) -> str | None:
    return None


def _needs_text(data: FitData) -> str | None:
    return None if data.features.any() else "no item has a text or a vector"


def _needs_words(data: FitData) -> str | None:
    return None if data.grams.nnz else "no item has a text"


def _needs_order(data: FitData) -> str | None:
    return None if data.ordered else "the platform's events have no order in time"


def _needs_clock(data: FitData) -> str | None:
    return None if len(data.log) > 1 else "the platform's events have no times"


def _needs_shown(data: FitData) -> str | None:
    return _needs_clock(data) or (None if len(data.shown) > 1 else "the platform has no impressions")


def _needs_repeats(data: FitData) -> str | None:
    return _needs_clock(data) or (None if data.repeats else "the platform's users meet no item again (repeats=keep)")


def scorer_table(settings: ScorerSettings) -> dict[str, tuple[Build, Rule]]:
    """Every computed scorer under these settings."""
    return {
        "popularity": (Popularity, _always),
        "content_knn": (partial(ContentKnn, settings=settings.content_knn), _needs_text),
        "content_idf": (partial(ContentIdf, settings=settings.content_idf), _needs_words),
        "item_knn": (partial(ItemKnn, settings=settings.item_knn), _always),
        "transition": (partial(Transition, settings=settings.transition), _needs_order),
        "diffusion": (partial(Diffusion, settings=settings.diffusion), _needs_text),
        "recent": (partial(Recent, settings=settings.recent), _needs_clock),
        "shown": (partial(Shown, settings=settings.recent), _needs_shown),
        "age": (partial(Age, settings=settings.age), _needs_clock),
        "repeat_counts": (partial(RepeatCounts, settings=settings.repeat_counts), _needs_repeats),
        "transition_long": (
            partial(Transition, settings=settings.transition_long, name="transition_long"),
            _needs_clock,
        ),
        "ease": (partial(Ease, settings=settings.ease), _always),
    }


SCORERS = scorer_table(ScorerSettings())
"""Under the usual settings, with which a served record's scorers are made again from what it holds."""


def completing_table(settings: ScorerSettings) -> dict[str, tuple[Build, Rule]]:
    """Those that join where a basket is to be completed."""
    return {"basket": (partial(Basket, settings=settings.basket), _always)}


COMPLETING = completing_table(ScorerSettings())
"""Under the usual settings."""

TIMED = ("recent", "shown", "age", "repeat_counts", "transition_long")
"""Those that only a platform with a clock has."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FittedScorers:
    """The scorers a platform has, and why it lacks the others."""

    scorers: dict[str, Scorer]
    left_out: dict[str, str]
    """scorer to reason"""
    statistics: Mapping[str, Matrix]
    """what they counted"""


def fit_scorers(data: FitData, table: ScorerTable = SCORERS) -> FittedScorers:
    """Fit every scorer of the table that the platform can have.

    Args:
        data: what they are fitted on; what they count joins its statistics.
        table: how each scorer is fitted, and the rule that may leave it out, by name.

    Returns:
        The fitted scorers by name, the reasons of those left out, and what was counted.

    Raises:
        ConfigError: if two scorers have a column of one name.
    """
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
