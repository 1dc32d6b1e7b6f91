"""The tables of a platform from frames that a caller hands over: errors name the caller's table and row."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from client.api.frames import as_frame
from client.data.contract import as_events, as_impressions, as_items
from client.data.ids import as_ids_of, without_blanks
from client.data.importers.csv_map import (
    ids_are_texts_note,
    items_in_events,
    require_event_columns,
    require_item_columns,
)
from client.data.importers.csv_settings import CsvMap
from client.data.importers.form_events import no_zone_note, written_times
from client.data.importers.form_items import texts_of
from client.data.importers.found_tables import named_form
from client.data.importers.imported import positions
from client.data.importers.text_table import TextTable
from client.data.importers.typed_table import as_text_table
from client.data.violations import TableNames, find_violations
from shared.errors import DataError

EVENTS, ITEMS, IMPRESSIONS = "events", "items", "impressions"
_NAMES = TableNames(items=ITEMS, events=EVENTS, impressions=IMPRESSIONS)
_UNKNOWN = "unknown-item"
_TEXTS = (pl.String, pl.Categorical, pl.Enum)


def events_of(frame: pl.DataFrame, settings: CsvMap, *, describes: bool) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Events of a caller's frame under our names; its other columns stay.

    Args:
        frame: one event a row.
        settings: maps our column names to the frame's, and says how times and numbers are written.
        describes: whether the frame describes the items too.

    Returns:
        the table, its timestamps not looked at yet, and notes.

    Raises:
        DataError: if a column is missing or a value is wrong.
    """
    form = named_form(settings)
    head = as_text_table(EVENTS, frame.head(0))
    require_event_columns(form, settings, head, describes=describes)
    names = ("user_id", "item_id", *(() if settings.no_time else ("timestamp",)), "rating")
    named = {name: theirs for name in names if (theirs := form.called(head, name)) is not None}
    others = [name for name in frame.columns if name not in (*names, "timestamp", *named.values())]
    columns = [frame[theirs].alias(name) for name, theirs in named.items() if name in ("user_id", "item_id")]
    zones: tuple[str, ...] = ()
    if "timestamp" in named:
        times, zones = _times(EVENTS, frame.select(named["timestamp"]), form.times)
        columns.append(times.alias("timestamp"))
    if "rating" in named:
        columns.append(_ratings(frame.select(named["rating"]), settings.decimal).alias("rating"))
    table = pl.DataFrame(columns).with_columns(frame.select(others))
    table = table.with_columns(timestamp=positions()) if settings.no_time else table
    events, notes = _with_ids(as_events(EVENTS, table), EVENTS, {name: named[name] for name in ("user_id", "item_id")})
    repeats = events.height - events.select("user_id", "item_id", "timestamp", "rating").n_unique()
    note = f"{repeats:,} events repeat another one exactly (user, item, time and rating); they are kept"
    return events, (*zones, *notes, *((note,) if repeats else ()))


def items_of(frame: pl.DataFrame, settings: CsvMap) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Items of a caller's frame under our names; its other columns stay.

    Args:
        frame: one item a row.
        settings: maps our column names to the frame's.

    Returns:
        the table, and notes.

    Raises:
        DataError: if a column is missing or a value is wrong.
    """
    table = as_text_table(ITEMS, frame)
    name = require_item_columns(table, settings)
    others = frame.drop(name, "item_id", strict=False)
    named = pl.DataFrame([frame[name].alias("item_id")]).with_columns(others)
    described = named.with_columns(*texts_of(table, named_form(settings, items=True)))
    return _with_ids(as_items(ITEMS, described), ITEMS, {"item_id": name})


def items_in(frame: pl.DataFrame, settings: CsvMap, ids: pl.DataType) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The items that a caller's frame of events mentions, as far as it describes them.

    Args:
        frame: one event a row; every item has an id.
        settings: maps our column names to the frame's.
        ids: the type of the items' ids.

    Returns:
        a table of items, and a note where nothing describes them.

    Raises:
        DataError: if a column is missing or a value is wrong.
    """
    form = named_form(settings)
    table = as_text_table(EVENTS, frame.select(name for name in frame.columns if name in form.wanted))
    items = items_in_events(form, settings, table)
    return items.with_columns(as_ids_of(ids, items["item_id"])), ids_are_texts_note(items, settings)


def impressions_of(table: Any) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Impressions of a caller's frame, and notes; raises DataError."""
    frame, zones = as_frame(table, IMPRESSIONS), tuple[str, ...]()
    if "timestamp" in frame.columns:
        times, zones = _times(IMPRESSIONS, frame.select("timestamp"), ())
        frame = frame.with_columns(times)
    columns = {name: name for name in ("user_id", "history", "candidates")}
    shown, notes = _with_ids(as_impressions(IMPRESSIONS, frame), IMPRESSIONS, columns)
    return shown, (*zones, *notes)


def require_sound(items: pl.DataFrame, events: pl.DataFrame, impressions: pl.DataFrame | None) -> None:
    """Refuse rows that break the data contract, by the rows of the frames; unknown items are not looked for.

    Args:
        items: table of items.
        events: table of events, timestamps read.
        impressions: table of impressions, or None.

    Raises:
        DataError: if there is such a row; it names table, column and row.
    """
    for broken in find_violations(
        items=items, events=events, impressions=impressions, vectors=None, vectors_file="", limit=1, tables=_NAMES
    ):
        if broken.fatal and broken.kind != _UNKNOWN:
            more = f"; {broken.count:,} such rows" if broken.count > 1 else ""
            raise DataError(f"{broken.file}: column {broken.column}, row {broken.rows[0]}: {broken.problem}{more}")


def _with_ids(table: pl.DataFrame, name: str, columns: Mapping[str, str]) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The table, its ids without blanks around them, and a note that counts those; raises DataError for a null.

    Args:
        table: under our names.
        name: what errors call it.
        columns: our names of columns of ids -> the caller's.
    """
    stripped = 0
    for column, theirs in columns.items():
        values, count = without_blanks(table[column])
        table, stripped = table.with_columns(values), stripped + count
        missing = values.is_null()
        if missing.any():
            more = f"; {missing.sum():,} such rows" if missing.sum() > 1 else ""
            raise DataError(
                f"{name}: column {theirs}, row {missing.arg_max()}: expected an id, found null or a word for a missing "
                f"value{more} (pandas' dropna or polars' drop_nulls leaves them out)"
            )
    note = f"{name}: {stripped:,} ids have blanks around them, which are left out"
    return table, (note,) if stripped else ()


def _times(label: str, column: pl.DataFrame, formats: tuple[str, ...]) -> tuple[pl.Series, tuple[str, ...]]:
    """Numbers or times of texts, as ``import csv`` reads them, and a note on zones; another column as it is."""
    (name,), (kind,) = column.columns, column.dtypes
    if kind not in _TEXTS and not (formats and kind.is_numeric()):
        return column[name], ()
    times, no_zone = written_times(as_text_table(label, column), name, formats)
    return times, () if no_zone is None else no_zone_note(no_zone, len(times))


def _ratings(column: pl.DataFrame, decimal: str) -> pl.Series:
    """Numbers of texts, as ``import csv`` reads them; another column as it is."""
    (name,), (kind,) = column.columns, column.dtypes
    if kind not in _TEXTS:
        return column[name]
    table: TextTable = replace(as_text_table(EVENTS, column), decimal=decimal)
    return table.ratings(name)
