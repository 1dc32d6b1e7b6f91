"""Checking a platform folder: its counts, and everything that breaks the data contract."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from client.data.contract import (
    EVENTS,
    IMPRESSIONS,
    ITEMS,
    labels,
    read_events,
    read_impressions,
    read_item_vectors,
    read_items,
    require_folder,
    vectors_file,
)
from client.data.folder_options import FolderOptions, Said
from client.data.ids import in_one_form
from client.data.positives import unread_note, unwanted_note
from client.data.preparation import counted_events
from client.data.published import PUBLISHED
from client.data.source import is_database
from client.data.tables import TIME_KNOWN
from client.data.ties import tied
from client.data.timed_tables import TableLabels, TimedTables, timed_tables
from client.data.times import DAYS, ORDER, clock_of
from client.data.too_few_to_tell import too_few_to_tell
from client.data.violations import FOLDER, MIN_EVENTS, TableNames, Violations, find_too_few, find_violations
from shared.errors import DataError

Table = TypeVar("Table")


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """What ``graft-client check`` found in one folder."""

    path: Path
    counts: dict[str, int]
    """users, items, events, impressions, published_items (whose table says when), vector_numbers: what could be
    counted"""
    unreadable: tuple[str, ...]
    """One sentence for each file that cannot be read or lacks a column, or column of the wrong type"""
    violations: tuple[Violations, ...]
    times: str = ""
    """what the events' timestamps are: ``order``, ``written`` as times, or a unit; empty where nobody can say"""
    clock: str = ""
    """what is known of an event's time: ``clock``, its ``day``, or an ``order`` alone; empty where nobody can say"""
    untimed_events: int = 0
    """how many events say that their time is not known (time_known)"""
    tied_events: int = 0
    """how many events share their user and their time with another one"""
    notes: tuple[str, ...] = ()
    """what breaks no rule and should be known, one sentence each"""

    @property
    def sound(self) -> bool:
        """True where nothing at all was found."""
        return not self.unreadable and not self.violations

    def as_json(self) -> dict[str, object]:
        """The report for programs; every value is a JSON type."""
        return {
            "path": str(self.path),
            "sound": self.sound,
            "counts": self.counts,
            "unreadable": list(self.unreadable),
            "violations": [{**asdict(violation), "rows": list(violation.rows)} for violation in self.violations],
            "times": self.times,
            "clock": self.clock,
            "untimed_events": self.untimed_events,
            "tied_events": self.tied_events,
            "notes": list(self.notes),
        }

    def lines(self) -> list[str]:
        """The report for people."""
        counted = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in self.counts.items())
        sentences = [*self.unreadable, *(_sentence(violation) for violation in self.violations)]
        summary = f"{self.path}: {counted or 'nothing could be counted'}"
        return [summary, *self.notes, *(sentences or ["no violation"])]


_USUAL = FolderOptions()


def check_folder(
    path: Path, time_meaning: Said | None = None, *, options: FolderOptions = _USUAL, limit: int = 10
) -> CheckReport:
    """Look at everything in a folder or database, whatever else is wrong.

    Args:
        path: a platform folder, or a file that describes a database.
        time_meaning: what timestamps mean that are numbers; None where nobody says.
        options: which events count.
        limit: rows that are listed of each kind of violation; all are counted.

    Returns:
        counts, violations, and what could not be read.

    Raises:
        DataError: if there is no folder.
        InputError: if the database cannot be reached at all.
    """
    if is_database(path):
        return _check_database(path, time_meaning, options, limit)
    require_folder(path)
    unreadable: list[str] = []
    read = {"items": lambda: read_items(path / ITEMS), "events": lambda: read_events(path / EVENTS)}
    if (path / IMPRESSIONS).exists():
        read["impressions"] = lambda: read_impressions(path / IMPRESSIONS)
    attempts = {name: _attempt(unreadable, reader) for name, reader in read.items()}
    tables = in_one_form({name: table for name, table in attempts.items() if table is not None})
    vectors = None
    if "items" in tables:
        split = _attempt(unreadable, lambda: read_item_vectors(path, tables["items"]))
        vectors = split[1] if split else None
    clock = _clock(labels(path), unreadable, tables, time_meaning) if "events" in tables else None
    if clock is not None:
        tables = _timed(tables, clock)
    report = replace(
        _report(path, tables, vectors, vectors_file(path), options, limit, FOLDER), unreadable=tuple(unreadable)
    )
    return report if clock is None else _with_times(report, clock, "they keep the order of their rows")


def _clock(
    named: TableLabels, unreadable: list[str], tables: Mapping[str, pl.DataFrame], time_meaning: Said | None
) -> TimedTables:
    """Both tables with times; where nobody can say what their numbers mean, which is noted, they only sort."""
    events, impressions = tables["events"], tables.get("impressions")
    timed = _attempt(unreadable, lambda: timed_tables(events, impressions, named, time_meaning))
    return timed or replace(timed_tables(events, impressions, named, "order"), unit="")


def _timed(tables: Mapping[str, pl.DataFrame], clock: TimedTables) -> dict[str, pl.DataFrame]:
    """The tables, with times where they have some."""
    timed = {**tables, "events": clock.events}
    return timed if clock.impressions is None else {**timed, "impressions": clock.impressions}


def _with_times(report: CheckReport, clock: TimedTables, order: str) -> CheckReport:
    """With what the timestamps are, and how many are tied; ``order`` says in which order those are taken."""
    ties = int(tied(clock.events).sum())
    notes = [*clock.notes]
    untimed = int((~clock.events[TIME_KNOWN]).sum())
    if clock.unit == ORDER:
        kind = ORDER
        notes.append("timestamps tell an order, no times")
    else:
        kind = clock_of(clock.events["timestamp"].filter(clock.events[TIME_KNOWN])) if clock.unit else ""
    if kind == DAYS:
        notes.append("of every time the day is known alone: what a user has on one day is one basket")
    if untimed and clock.unit != ORDER:
        notes.append(f"{untimed:,} events have no known time: they come before all others, and are never predicted")
    if ties:
        notes.append(f"{ties:,} events share their user and their time with another one: {order}")
    return replace(
        report, times=clock.unit, clock=kind, untimed_events=untimed, tied_events=ties, notes=(*notes, *report.notes)
    )


def _check_database(path: Path, time_meaning: Said | None, options: FolderOptions, limit: int) -> CheckReport:
    """The same of a database's two queries; raises InputError where it cannot be reached at all."""
    from client.data.sql.database import SqlSource
    from client.data.sql.tables import QUERIES, read_database_unchecked

    try:
        folder = read_database_unchecked(path)
    except DataError as error:
        return CheckReport(path=path, counts={}, unreadable=(str(error),), violations=())
    unreadable: list[str] = []
    tables = {"items": folder.items, "events": folder.events}
    clock = _clock(labels(path, QUERIES), unreadable, tables, time_meaning)
    report = _report(path, _timed(tables, clock), folder.vectors, QUERIES.items, options, limit, QUERIES)
    # a query's rows have no order
    ordered = [violation for violation in report.violations if violation.kind != "unsorted"]
    report = replace(report, unreadable=tuple(unreadable), violations=tuple(ordered))
    source = SqlSource.read(path)
    order = f"they keep the {'watermark' if source.watermark else 'query'}'s order"
    return _with_times(report, clock, order if source.orders_ties else "the query sorts none, they are drawn")


def _report(
    path: Path,
    tables: Mapping[str, pl.DataFrame],
    vectors: NDArray[np.float32] | None,
    vectors_in: str,
    options: FolderOptions,
    limit: int,
    names: TableNames,
) -> CheckReport:
    """What the tables that could be read hold."""
    violations = find_violations(
        items=tables.get("items"),
        events=tables.get("events"),
        impressions=tables.get("impressions"),
        vectors=vectors,
        vectors_file=vectors_in,
        limit=limit,
        tables=names,
    )
    counted = counted_events(tables["events"], options) if "events" in tables else None
    few = find_too_few(tables.get("items"), tables.get("events"), counted, names)
    counts = _counts(tables)
    if vectors is not None:
        counts["vector_numbers"] = vectors.shape[1]
    notes = _notes_on_ratings(tables["events"], names) if "events" in tables else ()
    if counted is not None and "items" in tables:
        items = tables["items"].height
        notes += too_few_to_tell(_candidates(counted, items, options), items)
    return CheckReport(path=path, counts=counts, unreadable=(), violations=(*violations, *few), notes=notes)


def _candidates(counted: pl.DataFrame, items: int, options: FolderOptions) -> NDArray[np.int64]:
    """[U] of users with enough events, how many items are left when all but their last one are met."""
    met = counted.drop_nulls("user_id").group_by("user_id").agg(pl.len(), pl.col("item_id").n_unique().alias("items"))
    enough = met.filter(pl.col("len") >= MIN_EVENTS)["items"].to_numpy().astype(np.int64)
    return np.full(len(enough), items) if options.repeats == "keep" else items - enough + 1


def _attempt(unreadable: list[str], read: Callable[[], Table]) -> Table | None:
    """What ``read`` gives, or None and its sentence noted."""
    try:
        return read()
    except DataError as error:
        unreadable.append(str(error))
        return None


def _notes_on_ratings(events: pl.DataFrame, names: TableNames) -> tuple[str, ...]:
    """How many are no positives, and which column may be the rating where there is none."""
    return (*unread_note(events, names.events, names.as_rating), *unwanted_note(events["rating"]))


def _counts(tables: Mapping[str, pl.DataFrame]) -> dict[str, int]:
    users = {"users": tables["events"]["user_id"].drop_nulls().n_unique()} if "events" in tables else {}
    dated = {"published_items": tables["items"][PUBLISHED].count()} if PUBLISHED in tables.get("items", {}) else {}
    return {**users, **{name: table.height for name, table in tables.items()}, **dated}


def _sentence(violations: Violations) -> str:
    if not violations.rows:
        return f"{violations.file}: {violations.problem}"
    rows = ", ".join(str(row) for row in violations.rows)
    more = violations.count - len(violations.rows)
    where = f"{violations.file}: column {violations.column}, row {rows}{f' and {more:,} more' if more else ''}"
    return f"{where}: {violations.problem} ({violations.count:,} in all)"
