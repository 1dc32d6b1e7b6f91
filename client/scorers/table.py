"""The scorers a platform computes from its own events, each with the rule that may leave it out.

To add one: a file with a class like those named here, and one line in SCORERS.
"""

from collections.abc import Callable
from dataclasses import dataclass

from client.scorers import ease
from client.scorers.content_idf import ContentIdf
from client.scorers.content_knn import ContentKnn
from client.scorers.diffusion import Diffusion
from client.scorers.item_knn import ItemKnn
from client.scorers.popularity import Popularity
from client.scorers.scorer import FitData, Scorer
from client.scorers.transition import Transition


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


SCORERS: dict[str, tuple[Callable[[FitData], Scorer], Callable[[FitData], str | None]]] = {
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


def fit_scorers(data: FitData) -> FittedScorers:
    """Fit every scorer that the platform can have."""
    reasons = {name: rule(data) for name, (_, rule) in SCORERS.items()}
    fitted = {name: build(data) for name, (build, _) in SCORERS.items() if reasons[name] is None}
    return FittedScorers(scorers=fitted, left_out={name: reason for name, reason in reasons.items() if reason})
