"""A platform's two tables from its database, or from chunks that were kept: the columns of the data contract alone.

A column's values, as a driver gives them, become a series of the data contract; no message quotes a value.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl

from client.data.contract import (
    PlatformFolder,
    as_events,
    as_items,
    labels,
    refuse_broken_rows,
)
from client.data.folder_options import Said
from client.data.ids import EXACT, in_one_form
from client.data.positives import like_rating, unread_note
from client.data.sql.database import Chunk, SqlSource, snapshot
from client.data.tables import vector_column
from client.data.ties import by_user_and_time
from client.data.timed_tables import timed_tables
from client.data.times import ORDER
from client.data.violations import TableNames
from client.data.written_times import from_iso
from shared.errors import DataError
from shared.system.progress import track

Values = Sequence[Any]
Reader = Callable[[Values, str], pl.Series]
MOST = 2**63
_NUMBERS = {int, float, Decimal}
_AS_NUMBER = "; where a text holds a number: CAST(... AS NUMERIC)"
"""What to do where a database keeps numbers as texts, as sqlite3's .import does."""


def ids(values: Values, where: str) -> pl.Series:
    """Read a column of ids.

    Args:
        values: as the driver gives them; None where an id is missing.
        where: what errors call the column.

    Returns:
        Int64 or String; Null without a single value.

    Raises:
        DataError: if they are no ids, or of several kinds.
    """
    kinds = _kinds(values)
    if not kinds:
        return pl.Series(values, dtype=pl.Null)
    if kinds <= {str, UUID}:
        return pl.Series([None if value is None else str(value) for value in values], dtype=pl.String)
    filled = [None if value is None or value != value else value for value in values]
    if kinds <= _NUMBERS and all(value is None or _is_whole(value) for value in filled):
        return pl.Series([None if value is None else int(value) for value in filled], dtype=pl.Int64)
    raise _wrong(where, "integers of 64 bits or strings", kinds)


def _is_whole(number: float | Decimal) -> bool:
    """Whether it is a whole number that its type can tell from the next."""
    bound = EXACT[pl.Float64()] if isinstance(number, float) else MOST
    return -bound <= number < bound and number == int(number)


def timestamps(values: Values, where: str) -> pl.Series:
    """Read a column of timestamps.

    Args:
        values: as the driver gives them: numbers, times or texts in ISO 8601.
        where: what errors call the column.

    Returns:
        numbers as they are, times and texts as datetimes in UTC, which those without a zone are; Null without a single
        value.

    Raises:
        DataError: if they are of another kind, or a text is no time.
    """
    kinds = _kinds(values)
    if not kinds:
        return pl.Series(values, dtype=pl.Null)
    if kinds <= {datetime, date}:
        return pl.Series([None if value is None else _utc(value) for value in values], dtype=pl.Datetime("us"))
    if kinds <= {str}:
        texts = pl.Series(values, dtype=pl.String)
        times = from_iso(texts)
        wrong = (times.is_null() & texts.is_not_null()).arg_true()
        if len(wrong):
            raise DataError(f"{where}, row {wrong[0]}: expected a number, a time or a text in ISO 8601{_AS_NUMBER}")
        return times
    return _numbers(values, where, kinds, "numbers or times")


def ratings(values: Values, where: str) -> pl.Series:
    """Read a column of ratings.

    Args:
        values: as the driver gives them.
        where: what errors call the column.

    Returns:
        Float32; true is 1, false is 0.

    Raises:
        DataError: if they are no numbers.
    """
    numbers = [int(value) if isinstance(value, bool) else value for value in values]
    return _numbers(numbers, where, _kinds(numbers), "numbers").cast(pl.Float32)


def texts(values: Values, where: str) -> pl.Series:
    """Read a column of texts.

    Args:
        values: as the driver gives them.
        where: what errors call the column.

    Returns:
        String.

    Raises:
        DataError: if they are no texts.
    """
    kinds = _kinds(values)
    if not kinds <= {str}:
        raise _wrong(where, "strings", kinds)
    return pl.Series(values, dtype=pl.String)


def vectors(values: Values, where: str) -> pl.Series:
    """Read a column of vectors.

    Args:
        values: arrays, or texts in JSON, which is how pgvector writes.
        where: what errors call the column.

    Returns:
        lists of Float64.

    Raises:
        DataError: if they are no lists of numbers.
    """
    try:
        lists = [json.loads(value) if isinstance(value, str) else value for value in values]
        return pl.Series(lists, dtype=pl.List(pl.Float64))
    except (ValueError, TypeError, pl.exceptions.PolarsError):
        raise _wrong(where, "lists of numbers", _kinds(values)) from None


def _numbers(values: Values, where: str, kinds: set[type], expected: str) -> pl.Series:
    if not kinds <= _NUMBERS:
        row = next(row for row, value in enumerate(values) if value is not None and type(value) not in _NUMBERS)
        raise _wrong(f"{where}, row {row}", expected, kinds, _AS_NUMBER if str in kinds else "")
    if kinds <= {int} and all(-MOST <= value < MOST for value in values if value is not None):
        return pl.Series(values, dtype=pl.Int64)
    return pl.Series([None if value is None else float(value) for value in values], dtype=pl.Float64)


def _utc(time: date) -> datetime:
    """Without a zone, in UTC."""
    if not isinstance(time, datetime):
        return datetime(time.year, time.month, time.day)  # noqa: DTZ001
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time


def _kinds(values: Values) -> set[type]:
    return {type(value) for value in values if value is not None}


def _wrong(where: str, expected: str, kinds: set[type], remedy: str = "") -> DataError:
    actual = " and ".join(sorted(kind.__name__ for kind in kinds))
    return DataError(f"{where}: expected {expected}, found {actual}{remedy}")


ITEMS: Mapping[str, Reader] = {
    "item_id": ids,
    "text": texts,
    "category": texts,
    "published": timestamps,
    "vector": vectors,
}
EVENTS: Mapping[str, Reader] = {"user_id": ids, "item_id": ids, "timestamp": timestamps, "rating": ratings}
QUERIES = TableNames(
    items="the items query", events="the events query", impressions="", as_rating="select it AS rating to have it read"
)
_OPTIONAL = ("category", "published", "vector", "rating")


def frames(chunks: Iterable[Chunk], where: str, readers: Mapping[str, Reader]) -> Iterator[pl.DataFrame]:
    """Each chunk as a table; columns that the contract does not know are left out.

    Of one that may be the rating by its name, the name alone is kept: the column is all null.

    Args:
        chunks: of one query; those without rows give no table.
        where: what errors call the query.
        readers: how each column that the contract knows is read.

    Yields:
        tables of the contract's columns.

    Raises:
        DataError: if a column is missing, comes several times or is of the wrong type.
    """
    for chunk in chunks:
        chunk.refuse_repeats(readers, where)
        missing = [name for name in readers if name not in chunk.names and name not in _OPTIONAL]
        if missing:
            available = ", ".join(chunk.names[:20])
            raise DataError(f"{where}: expected the column {', '.join(missing)}, found {available}")
        taken = {name: read for name, read in readers.items() if name in chunk.names}
        if chunk.rows:
            after = f", after {chunk.before:,} rows" if chunk.before else ""
            columns = {n: read(chunk.column(n), f"{where}: column {n}{after}") for n, read in taken.items()}
            like = like_rating(name for name in chunk.names if name not in taken) if "rating" in readers else None
            yield pl.DataFrame(columns).with_columns(() if like is None else pl.lit(None).alias(like))


def whole(parts: Iterable[pl.DataFrame], where: str) -> pl.DataFrame:
    """One table of all parts.

    Args:
        parts: tables of one query.
        where: what errors call the query.

    Returns:
        the table.

    Raises:
        DataError: if there is no row, or a column changes its type on the way.
    """
    tables = list(parts)
    if not tables:
        raise DataError(f"{where}: expected rows, found none")
    for name, what in {"user_id": "ids", "item_id": "ids", "timestamp": "times", "published": "times"}.items():
        kinds = {_kind(table.schema[name], name) for table in tables if name in table.columns} - {"Null"}
        if len(kinds) > 1:
            raise DataError(f"{where}: column {name}: expected {what} of one type, found {' and '.join(sorted(kinds))}")
    return pl.concat(tables, how="diagonal_relaxed")  # a part of before may lack a column


def _kind(kind: pl.DataType, name: str) -> str:
    """How a type is called; all numbers are one kind of times."""
    return "numbers" if name in ("timestamp", "published") and kind.is_numeric() else str(kind)


def read_database(path: Path, time_meaning: Said | None = None) -> PlatformFolder:
    """Read all of a source's items and events; nothing is kept.

    Args:
        path: the file that describes the database.
        time_meaning: what timestamps mean that are numbers; None where nobody says.

    Returns:
        the tables, checked.

    Raises:
        InputError: if the database cannot be read, or the data break the data contract.
    """
    return checked(read_database_unchecked(path), SqlSource.read(path), time_meaning)


def checked(folder: PlatformFolder, source: SqlSource, time_meaning: Said | None) -> PlatformFolder:
    """The folder, checked, in an order that no database moves.

    Args:
        folder: items and events as they were read.
        source: says whether its watermark or query orders ties.
        time_meaning: what timestamps mean that are numbers; None where nobody says.

    Returns:
        items sorted by id; events by user, then time.

    Raises:
        DataError: if timestamps tell nothing, or a row breaks the data contract.
    """
    clock = timed_tables(folder.events, None, labels(folder.path, QUERIES), time_meaning)
    unread = unread_note(clock.events, labels(folder.path, QUERIES).events, QUERIES.as_rating)
    folder = replace(folder, events=clock.events, notes=(*unread, *clock.notes), timed=clock.unit != ORDER)
    refuse_broken_rows(folder, QUERIES.items)
    events = by_user_and_time(folder.events, draw_ties=not source.orders_ties)
    places = folder.items["item_id"].arg_sort()
    vectors = None if folder.vectors is None else folder.vectors[places.to_numpy()]
    return replace(folder, items=folder.items[places], events=events, vectors=vectors)


def read_database_unchecked(path: Path) -> PlatformFolder:
    """As ``read_database``, the columns present and of the right types, no row and no time looked at.

    Events first: an item that comes with its first event between the two queries is then there.
    """
    source = SqlSource.read(path)
    with snapshot(source, path) as database:
        events = whole(read_events(track(database.events(), "reading events"), path), named(path, QUERIES.events))
        items = whole(read_items(track(database.items(), "reading items"), path), named(path, QUERIES.items))
    return as_folder(path, items, events)


def read_events(chunks: Iterable[Chunk], path: Path) -> Iterator[pl.DataFrame]:
    """The events' chunks as tables.

    Args:
        chunks: of the query of events.
        path: the file that describes the database, for errors.

    Returns:
        tables of the contract's columns, one by one.

    Raises:
        DataError: if a column is missing, comes several times or is of the wrong type.
    """
    return frames(chunks, named(path, QUERIES.events), EVENTS)


def read_items(chunks: Iterable[Chunk], path: Path) -> Iterator[pl.DataFrame]:
    """The items' chunks as tables.

    Args:
        chunks: of the query of items.
        path: the file that describes the database, for errors.

    Returns:
        tables of the contract's columns, one by one.

    Raises:
        DataError: if a column is missing, comes several times or is of the wrong type.
    """
    return frames(chunks, named(path, QUERIES.items), ITEMS)


def as_folder(path: Path, items: pl.DataFrame, events: pl.DataFrame) -> PlatformFolder:
    """The tables as the rest of the client takes a platform's data.

    Args:
        path: the file that describes the database.
        items: table of items; its vectors may be a column.
        events: table of events.

    Returns:
        the tables in the contract's types, with the vectors [items, D] apart; no impressions.

    Raises:
        DataError: if a column is of another type.
    """
    items_query = named(path, QUERIES.items)
    tables = {"items": as_items(items_query, items), "events": as_events(named(path, QUERIES.events), events)}
    whole_items, whole_events = in_one_form(tables).values()
    item_vectors = None
    if "vector" in whole_items.columns:
        item_vectors = vector_column(items_query, whole_items["vector"])
        whole_items = whole_items.drop("vector")
    return PlatformFolder(
        path=path,
        items=whole_items,
        events=whole_events,
        impressions=None,
        vectors=item_vectors,
        tables=QUERIES,
        grows=True,
    )


def named(path: Path, query: str) -> str:
    """A query of a source's file, in messages.

    Args:
        path: the file that describes the database.
        query: name of the query.

    Returns:
        both in one text.
    """
    return f"{path}: {query}"
