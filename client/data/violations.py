"""Finding every row of a platform folder that breaks the data contract.

Rows count from 0, as in the Parquet file. No loop over rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from client.data.ids import Meeting


@dataclass(frozen=True, kw_only=True)
class Violations:
    """All rows of one column that break one rule."""

    kind: str
    """A short fixed name of the rule, for programs."""
    file: str
    column: str
    problem: str
    """The rule that is broken, in words."""
    fatal: bool
    """True where the folder cannot be used as it is."""
    count: int
    """How many rows; exact, however few are listed."""
    rows: tuple[int, ...]
    """The first rows, at most ``limit``; none where a table lacks rows."""


@dataclass(frozen=True, kw_only=True)
class TableNames:
    """What messages call the tables of a platform."""

    items: str
    events: str
    impressions: str
    remedy: str = ""
    """What helps where ids do not meet, beside writing them alike."""
    as_rating: str = "call it rating to have it read"
    """What helps where a column is the rating under another name."""


FOLDER = TableNames(
    items="items.parquet",
    events="events.parquet",
    impressions="impressions.parquet",
    remedy=", or describe unknown items by their ids: graft-client import csv DIR --keep-unknown-items",
)
MIN_EVENTS = 3
"""Of a user: one to test with, one to choose by, one to learn from."""
MIN_ITEMS = 2
"""Of a catalogue: one alone can only be ranked first."""


def find_violations(
    *,
    items: pl.DataFrame | None,
    events: pl.DataFrame | None,
    impressions: pl.DataFrame | None,
    vectors: NDArray[np.float32] | None,
    vectors_file: str,
    limit: int,
    tables: TableNames = FOLDER,
) -> list[Violations]:
    """Every broken rule of the tables at hand.

    Args:
        items: table of items; None where it could not be read: nothing is said about unknown items then.
        events: table of events; None where it could not be read.
        impressions: table of impressions; None where there is none.
        vectors: [items, D]; None where there are none.
        vectors_file: the file or table that the vectors came from.
        limit: rows that are listed of each broken rule.
        tables: how the tables are called.

    Returns:
        each broken rule, with its exact count and its first ``limit`` rows.
    """
    known = None if items is None else items["item_id"].drop_nulls().unique(maintain_order=True)
    violations: list[Violations] = []
    if items is not None:
        violations += _in_items(tables, items, limit)
    if events is not None:
        violations += _in_events(tables, events, known, limit)
    if vectors is not None:
        rows = pl.Series(~np.isfinite(vectors).all(axis=1))
        violations += _rule("vector", vectors_file, "vector", "not all numbers are finite", rows, limit)
    if impressions is not None:
        violations += _in_impressions(tables, impressions, known, limit)
    return violations


def find_too_few(
    items: pl.DataFrame | None, events: pl.DataFrame | None, counted: pl.DataFrame | None, tables: TableNames = FOLDER
) -> Iterator[Violations]:
    """What a folder lacks, so that nothing can be learnt from it whatever its rows are.

    Args:
        items: table of items; None where it could not be read.
        events: table of events; None where it could not be read.
        counted: the events that preparation counts; None where they could not be read.
        tables: how the tables are called.

    Yields:
        a violation for too few items, for no events, and for no user with enough of them.
    """
    if items is not None and items.height < MIN_ITEMS:
        problem = f"expected {MIN_ITEMS} items or more, found {items.height}"
        yield _lacking("few-items", tables.items, "item_id", problem)
    if events is None or counted is None:
        return
    if events.is_empty():
        yield _lacking("no-events", tables.events, "user_id", "expected events, found none")
    elif not _has_long(counted):
        problem = f"expected users with {MIN_EVENTS} events or more, found none"
        out = ": left out are low ratings (min-rating says which) and repeats of an item (repeats=keep keeps them)"
        yield _lacking("few-events", tables.events, "user_id", problem + out * _has_long(events))


def _has_long(events: pl.DataFrame) -> bool:
    """Whether a user has as many events as one needs."""
    return bool((events.drop_nulls("user_id").group_by("user_id").len()["len"] >= MIN_EVENTS).any())


def _lacking(kind: str, file: str, column: str, problem: str) -> Violations:
    return Violations(kind=kind, file=file, column=column, problem=problem, fatal=True, count=0, rows=())


def _in_items(tables: TableNames, items: pl.DataFrame, limit: int) -> Iterator[Violations]:
    file, ids = tables.items, items["item_id"]
    yield from _rule("null-id", file, "item_id", _NO_ID, ids.is_null(), limit)
    again = ~ids.is_first_distinct() & ids.is_not_null()
    yield from _rule("duplicate-item", file, "item_id", "the id stands in an earlier row", again, limit)
    empty = items["text"].fill_null("").str.strip_chars() == ""
    yield from _rule("empty-text", file, "text", "the text is empty", empty, limit, fatal=False)


def _in_events(tables: TableNames, events: pl.DataFrame, known: pl.Series | None, limit: int) -> Iterator[Violations]:
    file = tables.events
    for name in ("user_id", "item_id"):
        yield from _rule("null-id", file, name, _NO_ID, events[name].is_null(), limit)
    if known is not None:
        unknown = ~events["item_id"].is_in(known.implode()) & events["item_id"].is_not_null()
        problem = _unknown_item(tables, events["item_id"], known)
        yield from _rule("unknown-item", file, "item_id", problem, unknown, limit)
    yield from _bad_times(file, events, limit)
    wrong = ~events["rating"].is_finite().fill_null(value=False)
    yield from _rule("bad-rating", file, "rating", "the rating is null or not finite", wrong, limit)
    yield from _rule("unsorted", file, "timestamp", _UNSORTED, _unsorted(events), limit, fatal=False)


def _unknown_item(tables: TableNames, named: pl.Series, known: pl.Series) -> str:
    problem, meeting = f"the item is not in {tables.items}", Meeting.of(named, known)
    return f"{problem} ({meeting}; write ids alike in both{tables.remedy})" if meeting.fails else problem


_NO_ID = "the id is null, or a word for a missing value"
_UNSORTED = "out of order (events go by user, then time)"


def _unsorted(events: pl.DataFrame) -> pl.Series:
    """Rows that belong before the row above: by user (numbers or strings), then time."""
    user, time = events["user_id"], events["timestamp"]
    earlier = (user < user.shift(1)) | ((user == user.shift(1)) & (time < time.shift(1)))
    return earlier.fill_null(value=False)


def _in_impressions(
    tables: TableNames, impressions: pl.DataFrame, known: pl.Series | None, limit: int
) -> Iterator[Violations]:
    file, user = tables.impressions, impressions["user_id"]
    yield from _rule("null-id", file, "user_id", _NO_ID, user.is_null(), limit)
    yield from _bad_times(file, impressions, limit)
    for name in ("history", "candidates"):
        lists = impressions[name]
        missing = lists.list.eval(pl.element().is_null()).list.any().fill_null(value=False)
        yield from _rule("null-id", file, name, "an id in the list is null", missing, limit)
        if known is not None:
            outside = _holds_unknown(lists, known)
            yield from _rule("unknown-item", file, name, f"an item is not in {tables.items}", outside, limit)
    yield from _labels(file, impressions, limit)


def _labels(file: str, impressions: pl.DataFrame, limit: int) -> Iterator[Violations]:
    candidates, labels = impressions["candidates"].list.len(), impressions["labels"].list.len()
    ragged = candidates.ne_missing(labels) | candidates.is_null()
    yield from _rule("label-length", file, "labels", "candidates and labels differ in length", ragged, limit)
    other = impressions["labels"].list.eval(~((pl.element() == 0) | (pl.element() == 1)).fill_null(value=False))
    wrong = other.list.any().fill_null(value=False)
    yield from _rule("bad-label", file, "labels", "a label is neither 0 nor 1", wrong, limit)


def _holds_unknown(lists: pl.Series, known: pl.Series) -> pl.Series:
    """True for each list that holds an id outside ``known`` (nulls aside)."""
    rows = pl.DataFrame({"row": pl.int_range(lists.len(), eager=True), "id": lists})
    flat = rows.explode("id").drop_nulls("id")
    if flat.is_empty():
        return pl.Series([False]).new_from_index(0, lists.len())
    outside = flat.filter(~pl.col("id").is_in(known.implode()))["row"].unique()
    return rows["row"].is_in(outside.implode())


def _bad_times(file: str, table: pl.DataFrame, limit: int) -> Iterator[Violations]:
    time = table["timestamp"]
    lost = ~time.is_finite().fill_null(value=False)
    yield from _rule("bad-timestamp", file, "timestamp", "the timestamp is null or not finite", lost, limit)
    negative = (time < 0).fill_null(value=False) & ~lost
    yield from _rule("negative-timestamp", file, "timestamp", "the timestamp is negative", negative, limit)


def _rule(
    kind: str, file: str, column: str, problem: str, broken: pl.Series, limit: int, *, fatal: bool = True
) -> Iterator[Violations]:
    """One Violations where any row is True, else nothing."""
    count = int(broken.sum())
    if count:
        rows = tuple(int(row) for row in broken.arg_true().head(limit))
        yield Violations(kind=kind, file=file, column=column, problem=problem, fatal=fatal, count=count, rows=rows)
