"""Checking a platform folder: its counts, and everything that breaks the data contract."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

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
from client.data.folder_options import Said
from client.data.source import is_database
from client.data.tables import require_same_id_types
from client.data.ties import tied
from client.data.timed_tables import TableLabels, TimedTables, timed_tables
from client.data.times import ORDER
from client.data.violations import Violations, find_violations
from shared.errors import DataError

Table = TypeVar("Table")


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """What ``graft-client check`` found in one folder."""

    path: Path
    counts: dict[str, int]
    """users, items, events, impressions, vector_numbers: what could be counted"""
    unreadable: tuple[str, ...]
    """One sentence for each file that cannot be read or lacks a column, or column of the wrong type"""
    violations: tuple[Violations, ...]
    times: str = ""
    """what the events' timestamps are: ``order``, ``written`` as times, or a unit; empty where nobody can say"""
    tied_events: int = 0
    """how many events share their user and their time with another one"""
    notes: tuple[str, ...] = ()
    """what else is to be known of the timestamps, one sentence each"""

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
            "violations": [{**asdict(one), "rows": list(one.rows)} for one in self.violations],
            "times": self.times,
            "tied_events": self.tied_events,
            "notes": list(self.notes),
        }

    def lines(self) -> list[str]:
        """The report for people."""
        counted = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in self.counts.items())
        found = [*self.unreadable, *(_sentence(one) for one in self.violations)]
        said = f"{self.path}: {counted or 'nothing could be counted'}"
        return [said, *self.notes, *(found or ["no violation"])]


def check_folder(path: Path, said: Said | None = None, *, limit: int = 10) -> CheckReport:
    """Look at everything in a folder, whatever else is wrong; ``limit`` rows of a kind are listed, all counted.

    ``said`` is what timestamps mean that are numbers. Raises DataError only where there is no folder.
    """
    if is_database(path):
        return _check_database(path, said, limit)
    require_folder(path)
    unreadable: list[str] = []
    items = _attempt(unreadable, lambda: read_items(path / ITEMS))
    events = _attempt(unreadable, lambda: read_events(path / EVENTS))
    impressions = None
    if (path / IMPRESSIONS).exists():
        impressions = _attempt(unreadable, lambda: read_impressions(path / IMPRESSIONS))
    vectors = None
    if items is not None:
        split = _attempt(unreadable, lambda: read_item_vectors(path, items))
        vectors = split[1] if split else None
    comparable = _comparable(path, unreadable, items, events, impressions)
    clock = None if events is None else _clock(labels(path), unreadable, events, impressions, said)
    if clock is not None:
        events, impressions = clock.events, clock.impressions
    found = find_violations(
        items=items if comparable else None,
        events=events,
        impressions=impressions,
        vectors=vectors,
        vectors_file=vectors_file(path),
        limit=limit,
    )
    if items is not None and not comparable:
        found += find_violations(items=items, events=None, impressions=None, vectors=None, vectors_file="", limit=limit)
    counts = _counts(items, events, impressions)
    if vectors is not None:
        counts["vector_numbers"] = vectors.shape[1]
    report = CheckReport(path=path, counts=counts, unreadable=tuple(unreadable), violations=tuple(found))
    return report if clock is None else _with_times(report, clock, "they keep the order of their rows")


def _clock(
    named: TableLabels, unreadable: list[str], events: pl.DataFrame, impressions: pl.DataFrame | None, said: Said | None
) -> TimedTables:
    """Both tables with times; where nobody can say what their numbers mean, which is noted, they only sort."""
    asked = _attempt(unreadable, lambda: timed_tables(events, impressions, named, said))
    return asked or replace(timed_tables(events, impressions, named, "order"), unit="")


def _with_times(report: CheckReport, clock: TimedTables, order: str) -> CheckReport:
    """With what the timestamps are, and how many are tied; ``order`` says in which order those are taken."""
    ties = int(tied(clock.events).sum())
    notes = list(clock.notes)
    if clock.unit == ORDER:
        notes.append("timestamps tell an order, no times")
    if ties:
        notes.append(f"{ties:,} events share their user and their time with another one: {order}")
    return replace(report, times=clock.unit, tied_events=ties, notes=tuple(notes))


def _check_database(path: Path, said: Said | None, limit: int) -> CheckReport:
    """The same of a database's two queries; raises InputError where it cannot be reached at all."""
    from client.data.sql.database import SqlSource
    from client.data.sql.tables import QUERIES, read_database_unchecked

    try:
        folder = read_database_unchecked(path)
    except DataError as error:
        return CheckReport(path=path, counts={}, unreadable=(str(error),), violations=())
    unreadable: list[str] = []
    clock = _clock(labels(path, QUERIES), unreadable, folder.events, None, said)
    tables: dict[str, Any] = {"items": folder.items, "events": clock.events, "impressions": None}
    found = find_violations(**tables, vectors=folder.vectors, vectors_file=QUERIES.items, limit=limit, tables=QUERIES)
    orders = [one for one in found if one.kind != "unsorted"]  # a query's rows have no order
    report = CheckReport(path=path, counts=_counts(**tables), unreadable=tuple(unreadable), violations=tuple(orders))
    sorts = SqlSource.read(path).orders_ties
    return _with_times(
        report, clock, "they keep the query's order" if sorts else "the query sorts none, they are drawn"
    )


def _attempt(unreadable: list[str], read: Callable[[], Table]) -> Table | None:
    """What ``read`` gives, or None and its sentence noted."""
    try:
        return read()
    except DataError as error:
        unreadable.append(str(error))
        return None


def _comparable(
    path: Path,
    unreadable: list[str],
    items: pl.DataFrame | None,
    events: pl.DataFrame | None,
    impressions: pl.DataFrame | None,
) -> bool:
    """False where ids of two tables have different types, which is noted."""
    if items is None or events is None:
        return True
    before = len(unreadable)
    _attempt(unreadable, lambda: require_same_id_types(path, items, events, impressions))
    return len(unreadable) == before


def _counts(
    items: pl.DataFrame | None, events: pl.DataFrame | None, impressions: pl.DataFrame | None
) -> dict[str, int]:
    counts = {}
    if events is not None:
        counts["users"] = events["user_id"].drop_nulls().n_unique()
    for name, table in {"items": items, "events": events, "impressions": impressions}.items():
        if table is not None:
            counts[name] = table.height
    return counts


def _sentence(found: Violations) -> str:
    rows = ", ".join(str(row) for row in found.rows)
    more = found.count - len(found.rows)
    where = f"{found.file}: column {found.column}, row {rows}{f' and {more:,} more' if more else ''}"
    return f"{where}: {found.problem} ({found.count:,} in all)"
