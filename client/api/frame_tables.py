"""The tables of a platform from frames that a caller hands over: errors name the caller's table and row."""

from typing import Any

import polars as pl

from client.api.frames import as_frame
from client.data.contract import as_events, as_impressions, as_items
from client.data.ids import without_blanks
from client.data.violations import TableNames, find_violations
from client.data.written_times import from_iso
from shared.errors import DataError

EVENTS, ITEMS, IMPRESSIONS = "events", "items", "impressions"
_NAMES = TableNames(items=ITEMS, events=EVENTS, impressions=IMPRESSIONS)
_NO_TIME = (
    "expected a time, a number, or a text in ISO 8601, found another text (pandas.to_datetime or polars' "
    "str.to_datetime with the format makes times of it)"
)
_UNKNOWN = "unknown-item"


def events_of(table: Any) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Events of a caller's frame; see ``build_platform``.

    Returns the table, its timestamps not looked at yet, and notes. Raises DataError.
    """
    frame = as_frame(table, EVENTS, ("user_id", "item_id", "timestamp"))
    frame = frame.with_columns(_times(frame["timestamp"])) if "timestamp" in frame.columns else frame
    events, notes = _with_ids(as_events(EVENTS, frame), EVENTS, "user_id", "item_id")
    repeats = events.height - events.select("user_id", "item_id", "timestamp", "rating").n_unique()
    note = f"{repeats:,} events repeat another one exactly (user, item, time and rating); they are kept"
    return events, (*notes, *((note,) if repeats else ()))


def items_of(table: Any) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Items of a caller's frame, and notes; raises DataError."""
    items = as_items(ITEMS, as_frame(table, ITEMS, ("item_id", "text")))
    return _with_ids(items, ITEMS, "item_id")


def impressions_of(table: Any) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Impressions of a caller's frame, and notes; raises DataError."""
    needed = ("user_id", "timestamp", "history", "candidates", "labels")
    frame = as_frame(table, IMPRESSIONS, needed)
    frame = frame.with_columns(_times(frame["timestamp"], IMPRESSIONS)) if "timestamp" in frame.columns else frame
    return _with_ids(as_impressions(IMPRESSIONS, frame), IMPRESSIONS, "user_id", "history", "candidates")


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


def _with_ids(table: pl.DataFrame, name: str, *columns: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The table, its ids without blanks around them, and a note that counts those; raises DataError for a null."""
    stripped = 0
    for column in columns:
        values, count = without_blanks(table[column])
        table, stripped = table.with_columns(values), stripped + count
        missing = values.is_null()
        if missing.any():
            more = f"; {missing.sum():,} such rows" if missing.sum() > 1 else ""
            raise DataError(
                f"{name}: column {column}, row {missing.arg_max()}: expected an id, found null or a word for a missing "
                f"value{more}"
            )
    note = f"{name}: {stripped:,} ids have blanks around them, which are left out"
    return table, (note,) if stripped else ()


def _times(column: pl.Series, name: str = EVENTS) -> pl.Series:
    """Numbers or times of texts, as ``import csv`` reads them; another column as it is."""
    if column.dtype not in (pl.String, pl.Categorical, pl.Enum):
        return column
    texts = column.cast(pl.String).str.strip_chars()
    for numbers in (texts.cast(pl.Int64, strict=False), texts.cast(pl.Float64, strict=False)):
        if numbers.null_count() == texts.null_count():
            return numbers
    times = from_iso(texts)
    wrong = times.is_null() & texts.is_not_null()
    if wrong.any():
        raise DataError(f"{name}: column {column.name}, row {wrong.arg_max()}: {_NO_TIME}")
    return times.alias(column.name)
