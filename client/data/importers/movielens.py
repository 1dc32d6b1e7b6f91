"""MovieLens in its CSV form (ml-latest-small, 20M, 25M, 32M, ...): movies.csv, ratings.csv, optional tags.csv.

Source: https://files.grouplens.org/datasets/movielens/ml-latest-small-README.html
"""

import polars as pl

from client.data.importers.imported import ImportedPlatform, in_one_table, joined_text, without_repeats
from client.data.importers.imported_times import imported_times
from client.data.importers.source import Source
from client.data.importers.text_blocks import CSV, read_text_table
from client.data.importers.text_table import TextTable, row_of

_RATING_COLUMNS = ("userId", "movieId", "rating", "timestamp")
_TAGS = 5
"""How many tags of a film, the most frequent first, enter its text."""


def import_movielens(source: Source) -> ImportedPlatform:
    """One event per rating; an item's text is its title, its genres and its most frequent user tags.

    Of each of the source's paths one of these files is read, as parts of one data set.
    """
    movies = [read_text_table(file, CSV) for file in source.each("movies.csv")]
    ratings = [read_text_table(file, CSV) for file in source.each("ratings.csv")]
    films = pl.concat(map(_movies, movies)).unique("item_id", keep="first", maintain_order=True)
    items = films.join(_tags(source), on="item_id", how="left", maintain_order="left")
    text = joined_text(pl.col("title"), pl.col("category"), pl.col("tags"))
    events = in_one_table([_events(table) for table in ratings])
    row = row_of([(table, "timestamp") for table in ratings])
    times = imported_times(events["timestamp"], events["user_id"], row, source.said)
    events, repeats = without_repeats(events.with_columns(timestamp=times.values))
    unread = [note for table in movies for note in table.unread_note("movieId", "title", "genres")]
    unread += [note for table in ratings for note in table.unread_note(*_RATING_COLUMNS)]
    notes = (*times.notes, *repeats, *unread)
    return ImportedPlatform(items=items.with_columns(text.alias("text")), events=events, notes=notes)


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


def _events(table: TextTable) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "user_id": table.whole_ids("userId"),
            "item_id": table.whole_ids("movieId"),
            "timestamp": table.clock_or_iso("timestamp"),
            "rating": table.ratings("rating"),
        }
    )


def _tags(source: Source) -> pl.DataFrame:
    """The most frequent tags of each film, in one text; no rows where there are no tags."""
    files = source.each("tags.csv") if source.all("tags.csv") else []
    tables = [read_text_table(file, CSV) for file in files]
    none = pl.DataFrame(schema={"item_id": pl.Int64, "tags": pl.String})
    tags = pl.concat([none, *(_tagged(table) for table in tables)])
    counted = (
        tags.group_by("item_id", "tags", maintain_order=True).len().sort("len", descending=True, maintain_order=True)
    )
    return counted.group_by("item_id", maintain_order=True).agg(pl.col("tags").head(_TAGS).str.join(", "))


def _tagged(table: TextTable) -> pl.DataFrame:
    return pl.DataFrame({"item_id": table.whole_ids("movieId"), "tags": table.texts("tag")})
