"""Goodreads (UCSD Book Graph): interactions as JSON lines or as a table, and books as JSON lines.

Source: Wan and McAuley, RecSys 2018; https://cseweb.ucsd.edu/~jmcauley/datasets/goodreads.html
"""

import polars as pl

from client.data.importers.described import Described
from client.data.importers.form import Form
from client.data.importers.form_items import read_items
from client.data.importers.imported import ImportedPlatform, with_whole_ids
from client.data.importers.source import Source
from client.data.importers.text_blocks import CSV, read_text_table

_COLUMNS = {"user_id": "user_id", "item_id": "book_id", "rating": "rating"}
_DATES = ("%a %b %d %H:%M:%S %z %Y",)
_BOOKS = Form(
    files=("goodreads_books*.json",),
    columns={
        "item_id": "book_id",
        "text": "title",
        "title": ("title", "title_without_series"),
        "year": "publication_year",
    },
)
_NOTE = "a rating of 0 means that a book is on a shelf and not rated: min-rating=0 keeps these"
_DATED = Described(
    summary="",
    events=(
        Form(
            files=("goodreads_interactions*.json", "goodreads_reviews*.json"),
            columns={**_COLUMNS, "timestamp": ("date_added", "date_updated")},
            times=_DATES,
        ),
    ),
    items=(_BOOKS,),
    notes=(_NOTE,),
)
_TABLE = Described(
    summary="",
    events=(Form(files=("goodreads_interactions*.csv",), columns=_COLUMNS, no_time=True),),
    notes=("goodreads_interactions.csv tells no times: the order is that of its rows (use order=none)", _NOTE),
)


def import_goodreads(source: Source) -> ImportedPlatform:
    """One event per book on somebody's shelf; an item's text is its title.

    The table numbers books anew: book_id_map.csv says which they are.
    """
    if source.all(*_DATED.events[0].files):
        return _DATED(source)
    platform = _TABLE(source)
    file = source.optional("book_id_map.csv")
    if file is None or not source.all(*_BOOKS.files):
        return platform
    table = read_text_table(file, CSV)
    numbers = {"number": table.ids("book_id_csv"), "book": table.ids("book_id")}
    events = platform.events.with_columns(pl.col("item_id").cast(pl.String))
    named = events.join(pl.DataFrame(numbers), left_on="item_id", right_on="number", how="left", maintain_order="left")
    books = named.with_columns(item_id=pl.coalesce("book", "item_id")).drop("book")
    return with_whole_ids(ImportedPlatform(items=read_items([_BOOKS], source), events=books, notes=platform.notes))
