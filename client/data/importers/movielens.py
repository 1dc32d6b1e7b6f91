"""MovieLens in all its versions: 100K, 1M, 10M, and as CSV (latest-small, 20M, 25M, 32M).

Source: https://grouplens.org/datasets/movielens/ and the README of each; of 1M and 100K titles are in ISO 8859-1.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import polars as pl

from client.data.importers.form import Form
from client.data.importers.form_events import EventRows, numbered, read_file, timed_events
from client.data.importers.imported import ImportedPlatform, joined_text, without_repeats
from client.data.importers.refused_rows import tolerantly
from client.data.importers.source import Source
from client.data.importers.text_blocks import TSV, Dialect
from client.data.importers.text_table import TextTable, unread_note

GENRES = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
)
"""The last columns of u.item, in their order (u.genre)."""
_TAGS = 5
"""How many tags of a film, the most frequent first, enter its text."""


def import_movielens(source: Source) -> ImportedPlatform:
    """One event per rating; an item's text is its title, its genres and its most frequent user tags.

    Of each of the source's paths one file of ratings is read, as parts of one data set.
    """
    version = next((candidate for candidate in _VERSIONS if source.all(candidate.ratings.files[0])), _VERSIONS[0])
    films = pl.concat(
        tolerantly(version.films, table, source.refused)
        for file in source.each(version.movies.files[0])
        for table in version.movies.blocks(file, source)
    )
    films = films.unique("item_id", keep="first", maintain_order=True)
    items = films.join(_tags(source, version), on="item_id", how="left", maintain_order="left")
    text = joined_text(pl.col("title"), pl.col("category"), pl.col("tags"))
    rows = EventRows()
    files = source.each(version.ratings.files[0])
    for number, file in enumerate(files):
        read_file(rows, version.ratings, file, source, further=partial(numbered, number) if len(files) > 1 else None)
    events, notes = timed_events(rows, source.said)
    events, repeats = without_repeats(events) if len(files) > 1 else (events, ())
    unread = [note for label, names in rows.unread.items() for note in unread_note(label, names)]
    return ImportedPlatform(
        items=items.with_columns(text.alias("text")), events=events, notes=(*notes, *repeats, *unread)
    )


def _one_hot(table: TextTable) -> pl.DataFrame:
    """The films of 100K, whose genres are columns of 0 and 1."""
    flags = [pl.when(pl.col(name) == "1").then(pl.lit(name)) for name in GENRES[1:]]
    genres = table.rows.select(pl.concat_str(flags, separator="|", ignore_nulls=True)).to_series()
    return _movies(replace(table, rows=table.rows.with_columns(genres=genres)))


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


def _tags(source: Source, version: "Version") -> pl.DataFrame:
    """The most frequent tags of each film, in one text; no rows where there are no tags."""
    none = pl.DataFrame(schema={"item_id": pl.Int64, "tags": pl.String})
    files = source.each(version.tags.files[0]) if source.all(version.tags.files[0]) else []
    tables = (table for file in files for table in version.tags.blocks(file, source))
    tags = pl.concat([none, *(tolerantly(_tagged, table, source.refused) for table in tables)])
    counted = (
        tags.group_by("item_id", "tags", maintain_order=True).len().sort("len", descending=True, maintain_order=True)
    )
    return counted.group_by("item_id", maintain_order=True).agg(pl.col("tags").head(_TAGS).str.join(", "))


def _tagged(table: TextTable) -> pl.DataFrame:
    return pl.DataFrame({"item_id": table.whole_ids("movieId"), "tags": table.texts("tag")})


@dataclass(frozen=True, kw_only=True)
class Version:
    """The files of one version."""

    ratings: Form
    movies: Form
    tags: Form
    films: Callable[[TextTable], pl.DataFrame] = _movies


_COLUMNS = {"user_id": "userId", "item_id": "movieId", "rating": "rating", "timestamp": "timestamp"}
_HEADER = ("userId", "movieId", "rating", "timestamp")
_COLONS = Dialect(separator="::", quote=None)
_LATIN = ("utf-8", "latin-1")
_NO_TAGS = Form(files=("tags.none",))
_VERSIONS = (
    Version(
        ratings=Form(files=("ratings.csv",), columns=_COLUMNS),
        movies=Form(files=("movies.csv",)),
        tags=Form(files=("tags.csv",)),
    ),
    Version(
        ratings=Form(files=("ratings.dat",), header=_HEADER, dialect=_COLONS, columns=_COLUMNS),
        movies=Form(files=("movies.dat",), header=("movieId", "title", "genres"), dialect=_COLONS, encodings=_LATIN),
        tags=Form(files=("tags.dat",), header=("userId", "movieId", "tag", "timestamp"), dialect=_COLONS),
    ),
    Version(
        ratings=Form(files=("u.data",), header=_HEADER, dialect=TSV, columns=_COLUMNS),
        movies=Form(
            files=("u.item",),
            header=("movieId", "title", "released", "video", "url", *GENRES),
            dialect=Dialect(separator="|", quote=None),
            encodings=_LATIN,
        ),
        tags=_NO_TAGS,
        films=_one_hot,
    ),
)
"""CSV (latest-small, 20M, 25M, 32M), 1M and 10M, 100K."""
