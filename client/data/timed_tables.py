"""Events and impressions under one clock: both tables' timestamps become seconds, or numbers of one order."""

from dataclasses import dataclass

import polars as pl

from client.data.folder_options import Said
from client.data.times import EARLIEST, ORDER, TimeColumn, Times, read_times
from shared.errors import DataError

WAYS = "say times=order if they only tell an order, times=seconds if they are seconds since 1970"
_TIME = "timestamp"


@dataclass(frozen=True, kw_only=True)
class TableLabels:
    """What errors call the two tables."""

    events: str
    impressions: str


@dataclass(frozen=True, kw_only=True, eq=False)
class TimedTables:
    """Both tables under one clock."""

    events: pl.DataFrame
    impressions: pl.DataFrame | None
    unit: str
    """what the events' timestamps were, as ``Times.unit``"""
    notes: tuple[str, ...]


def timed_tables(
    events: pl.DataFrame, impressions: pl.DataFrame | None, labels: TableLabels, time_meaning: Said | None
) -> TimedTables:
    """Read the timestamps of both tables under one clock.

    Args:
        events: table of events.
        impressions: table of impressions; None where there is none.
        labels: what errors call the tables.
        time_meaning: what timestamps mean that are numbers; None where nobody says.

    Returns:
        the tables with seconds, or with numbers of one order, and notes.

    Raises:
        DataError: if nobody can say what the timestamps are.
    """
    times = read_times(_column(events, labels.events, users=True), time_meaning)
    notes = [f"{labels.events}: {note}" for note in times.notes()]
    if impressions is None:
        (values,) = _sorting(times.values) if time_meaning == ORDER else (times.values,)
        return TimedTables(events=_with(events, values), impressions=None, unit=times.unit, notes=tuple(notes))
    beside = _beside(times, _column(impressions, labels.impressions, users=False), time_meaning)
    notes += [f"{labels.impressions}: {note}" for note in beside.notes()]
    both = (times.values, beside.values)
    first, second = of_one_type(*(_sorting(*both) if time_meaning == ORDER else both))
    return TimedTables(
        events=_with(events, first), impressions=_with(impressions, second), unit=times.unit, notes=tuple(notes)
    )


def of_one_type(first: pl.Series, second: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Two columns of times that can be compared and joined.

    Args:
        first: Int64 or Float64.
        second: Int64 or Float64.

    Returns:
        both columns, in Float64 where either is.
    """
    if first.dtype == second.dtype:
        return first, second
    return first.cast(pl.Float64), second.cast(pl.Float64)


def _column(table: pl.DataFrame, label: str, *, users: bool) -> TimeColumn:
    return TimeColumn(
        values=table[_TIME],
        users=table["user_id"] if users else None,
        row=lambda row: f"{label}: column {_TIME}, row {row}",
        ways=WAYS,
    )


def _beside(events: Times, impressions: TimeColumn, time_meaning: Said | None) -> Times:
    """The times of impressions, which are positions where those of the events are."""
    if events.unit != ORDER or time_meaning == ORDER:
        return read_times(impressions, time_meaning)
    times = impressions.values
    if times.dtype.is_temporal() or (times >= EARLIEST).any():
        raise DataError(f"{impressions.row(0)}: expected positions as those of the events, found times")
    return Times(values=times, unit=ORDER)


def _sorting(*columns: pl.Series) -> tuple[pl.Series, ...]:
    """Numbers that only sort: as they are where all lie before any time, else their places among all of them."""
    finite = [pl.select(pl.when(column.is_finite()).then(column)).to_series() for column in columns]
    if not any((column >= EARLIEST).any() or (column < 0).any() for column in finite):
        return columns
    whole = pl.concat([column.cast(pl.Float64) for column in finite]).rank("dense").cast(pl.Int64) - 1
    starts = [sum(len(column) for column in columns[:place]) for place in range(len(columns))]
    return tuple(whole.slice(start, len(column)) for start, column in zip(starts, columns, strict=True))


def _with(table: pl.DataFrame, times: pl.Series) -> pl.DataFrame:
    return table.with_columns(times.alias(_TIME))
