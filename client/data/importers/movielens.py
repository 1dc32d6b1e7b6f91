"""MovieLens in its CSV form (ml-latest-small, 20M, 25M, 32M, ...): movies.csv, ratings.csv, optional tags.csv.

Source: https://files.grouplens.org/datasets/movielens/ml-latest-small-README.html
"""

import polars as pl

from client.data.importers.imported import ImportedPlatform, joined_text
from client.data.importers.imported_times import imported_times
from client.data.importers.source import Source
from client.data.importers.text_table import CSV, TextTable, read_text_table

_RATING_COLUMNS = ("userId", "movieId", "rating", "timestamp")
_TAGS = 5
"""How many tags of a film, the most frequent first, enter its text."""


def import_movielens(source: Source) -> ImportedPlatform:
    """One event per rating; an item's text is its title, its genres and its most frequent user tags."""
    movies = read_text_table(source.one("movies.csv"), source.scratch, CSV)
    ratings = read_text_table(source.one("ratings.csv"), source.scratch, CSV)
    tags = source.optional("tags.csv")
    items = _movies(movies).join(
        _tags(read_text_table(tags, source.scratch, CSV))
        if tags
        else pl.DataFrame(schema={"item_id": pl.Int64, "tags": pl.String}),
        on="item_id",
        how="left",
        maintain_order="left",
    )
    text = joined_text(pl.col("title"), pl.col("category"), pl.col("tags"))
    users = ratings.whole_ids("userId")
    times = imported_times(ratings.clock("timestamp"), users, ratings.row("timestamp"), source.said)
    events = _events(ratings, users, times.values)
    unread = movies.unread_note("movieId", "title", "genres") + ratings.unread_note(*_RATING_COLUMNS)
    return ImportedPlatform(items=items.with_columns(text.alias("text")), events=events, notes=times.notes + unread)


def _movies(table: TextTable) -> pl.DataFrame:
    ids = table.whole_ids("movieId")
    table.refuse_repeats(ids, "movieId")
    genres = table.texts("genres").str.replace_all("|", ", ", literal=True)
    none = genres == "(no genres listed)"
    return pl.DataFrame(
        {
            "item_id": ids,
            "title": table.texts("title"),
            "category": genres.set(none, ""),
        }
    )


def _events(table: TextTable, users: pl.Series, times: pl.Series) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "user_id": users,
            "item_id": table.whole_ids("movieId"),
            "timestamp": times,
            "rating": table.ratings("rating"),
        }
    )


def _tags(table: TextTable) -> pl.DataFrame:
    tags = pl.DataFrame({"item_id": table.whole_ids("movieId"), "tags": table.texts("tag")})
    counted = (
        tags.group_by("item_id", "tags", maintain_order=True).len().sort("len", descending=True, maintain_order=True)
    )
    return counted.group_by("item_id", maintain_order=True).agg(pl.col("tags").head(_TAGS).str.join(", "))
