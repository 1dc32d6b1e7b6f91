"""Items of tables in any form: what a text encoder should read of each, and whatever else a table says."""

from collections.abc import Sequence

import polars as pl

from client.data.ids import same_form
from client.data.importers.form import Form
from client.data.importers.form_events import written_times
from client.data.importers.imported import first_filled, joined_text
from client.data.importers.refused_rows import tolerantly
from client.data.importers.source import Source, SourceFile
from client.data.importers.text_table import TextTable
from client.data.published import PUBLISHED, in_seconds
from client.data.times import as_written
from client.data.written_times import from_iso

EVENTS_OWN = ("user_id", "timestamp", "rating", "milliseconds_later")
"""Columns that describe no item."""
_DATES = "write them in ISO 8601, or say how a date is written with --time-format"


def read_items(forms: Sequence[Form], source: Source) -> pl.DataFrame:
    """Read the items of all files of some forms; of an item in several rows the first value that is not empty.

    Args:
        forms: each says which files it is of, and how they are read.
        source: holds the files.

    Returns:
        item_id, text and what else the files say.
    """
    form_files = [(form, file) for form in forms for file in form.found(source)]
    return first_filled(pl.concat([_read(form, file, source) for form, file in form_files], how="diagonal_relaxed"))


def _read(form: Form, file: SourceFile, source: Source) -> pl.DataFrame:
    blocks = form.blocks(file, source)
    tables = [tolerantly(lambda table: described(table, form), table, source.refused) for table in blocks]
    return pl.concat(tables, how="diagonal_relaxed")


def described(table: TextTable, form: Form) -> pl.DataFrame:
    """The items of a table, and what describes them.

    Args:
        table: has a row for each item, or several.
        form: what the columns are called.

    Returns:
        item_id, text, and category, title and published where the form names them, row by row.

    Raises:
        DataError: if the table has no item_id.
    """
    (name,) = form.require(table, "item_id").values()
    (ids,) = same_form([table.ids(name)])
    return pl.DataFrame({"item_id": ids}).with_columns(*texts_of(table, form))


def named_items(table: TextTable, form: Form) -> pl.DataFrame:
    """The items of a table of events: each once, with the first of each value that is not empty.

    Args:
        table: of events.
        form: what the columns are called.

    Returns:
        as ``described``, a row for each item.

    Raises:
        DataError: if the table has no item_id.
    """
    columns = [name for ours in form.columns for name in form.names(ours) if ours not in EVENTS_OWN]
    names = [*form.require(table, "item_id").values(), *(name for name in columns if name in table.rows.columns)]
    return first_filled(described(table.distinct(list(dict.fromkeys(names))), form))


def texts_of(table: TextTable, form: Form) -> list[pl.Series | pl.Expr]:
    """The columns that describe an item; a column that this version of the table lacks is left out.

    Args:
        table: has a row for each item, or several.
        form: what the columns are called.

    Returns:
        text, and each further column of an item, row by row.
    """
    parts = [table.joined_texts(name) for name in form.names("text") if name in table.rows.columns]
    columns: list[pl.Series | pl.Expr] = [
        joined_text(*(pl.lit(part) for part in parts)).alias("text") if parts else pl.lit("").alias("text")
    ]
    for ours in form.columns:
        theirs = form.called(table, ours)
        if theirs is not None and ours == PUBLISHED:
            columns.append(published(table, theirs, form.times))
        elif theirs is not None and ours not in ("item_id", "text", *EVENTS_OWN):
            columns.append(table.joined_texts(theirs).alias(ours))
    return columns


def published(table: TextTable, name: str, formats: tuple[str, ...]) -> pl.Series:
    """When each item was published, as a time.

    Args:
        table: holds the column.
        name: of the column.
        formats: how times are written, as polars says it; empty: numbers, or ISO 8601.

    Returns:
        a column of times, null where nothing stands.

    Raises:
        DataError: if a row is no time; it names the first one.
    """
    is_dated = table.texts(name) != ""
    dated = table.filter(is_dated)
    values = from_iso(dated.texts(name))
    if values.null_count():
        values, _ = written_times(dated, name, formats)
    seconds = in_seconds(values, dated.row(name), _DATES)
    rows = pl.DataFrame({"row": is_dated.arg_true(), PUBLISHED: as_written(seconds)})
    every = pl.DataFrame({"row": pl.int_range(len(is_dated), dtype=pl.UInt32, eager=True)})
    return every.join(rows, on="row", how="left", maintain_order="left")[PUBLISHED]
