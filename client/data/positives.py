"""Which events say that a user wanted an item: a rating of 0 or less says that they did not, or says nothing.

A label 0 is a negative, a rating 0 an item that was not rated, a quantity below 0 a return.
"""

import re
from collections.abc import Iterable

import polars as pl

_LIKE_RATINGS = (
    *("rating", "ratings", "userrating", "bookrating", "stars", "score", "overall", "label", "weight"),
    *("quantity", "qty", "playcount", "click", "clicked", "isclick", "isclicked", "like", "liked", "islike"),
    *("buy", "bought", "isbuy", "purchased", "ispurchase"),
    *("anzahl", "menge", "bewertung", "sterne", "quantite", "qte", "etoiles"),
    *("cantidad", "valoracion", "puntuacion", "estrellas"),
)


def like_rating(columns: Iterable[str]) -> str | None:
    """The first column that may be a rating by its name."""
    return next((name for name in columns if re.sub("[_ -]", "", name.lower()) in _LIKE_RATINGS), None)


def unread_note(events: pl.DataFrame, where: str, remedy: str) -> tuple[str, ...]:
    """A sentence where all events count alike and a column that is not read may be the rating.

    Args:
        events: table of events, with a rating.
        where: what the sentence calls the table.
        remedy: what it says is to be done.

    Returns:
        the sentence; else nothing.
    """
    like = like_rating(name for name in events.columns if name != "rating")
    if like is None or not (events["rating"] == 1).all():
        return ()
    return (f"{where}: the column {like} is not read, every event counts as rated 1 ({remedy})",)


def is_wanted(min_rating: float | None) -> pl.Expr:
    """True for an event rated ``min_rating`` or more, or above 0 where that is None."""
    return pl.col("rating") > 0 if min_rating is None else pl.col("rating") >= min_rating


def unwanted_note(ratings: pl.Series) -> tuple[str, ...]:
    """A sentence with counts where there are ratings of 0 or less, and how they are kept; else nothing."""
    zero, below = int((ratings == 0).sum()), int((ratings < 0).sum())
    if not zero + below:
        return ()
    counts = f"{zero:,} events are rated 0 and {below:,} below 0 (not rated, disliked, returned)"
    return (f"{counts}: preparation leaves them out; min-rating says what counts (DIR,min-rating=0 keeps 0)",)
