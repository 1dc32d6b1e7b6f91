"""Timestamps of a source that is imported: seconds, or each user's positions where they only sort."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from client.data.folder_options import Said
from client.data.times import ORDER, TimeColumn, all_early, as_positions, as_written, meaning, read_times

WAYS = "say --times order if they only tell an order, --times seconds if they are seconds since 1970"


@dataclass(frozen=True, kw_only=True, eq=False)
class ImportedTimes:
    """A column of timestamps, and what the user should know of it."""

    values: pl.Series
    notes: tuple[str, ...]


def imported_times(
    values: pl.Series, users: pl.Series, row: Callable[[int], str], time_meaning: Said | None, ways: str = WAYS
) -> ImportedTimes:
    """Read timestamps of a source, as ``read_times`` does; what only sorts becomes positions.

    Args:
        values: timestamps as the source holds them.
        users: whose each one is.
        row: what errors call a row, by its number from 0.
        time_meaning: what numbers mean; None where nobody says.
        ways: how to say what numbers mean, for errors.

    Returns:
        seconds or positions, and notes.

    Raises:
        DataError: if the timestamps tell nothing; it names the source's own line.
    """
    times = read_times(TimeColumn(values=values, users=users, row=row, ways=ways), time_meaning)
    if times.unit != ORDER:
        return ImportedTimes(values=times.values, notes=(*times.notes(), *_early_note(times.values)))
    note = "timestamps tell an order, no times: they are each user's positions 0, 1, 2, ..."
    return ImportedTimes(values=as_positions(times.values, users), notes=(note,))


def _early_note(times: pl.Series) -> tuple[str, ...]:
    """What to do where the folder reads back only as it was imported."""
    early = "all timestamps lie in the first hour of 1970: commands take the folder as DIR,times=seconds"
    return (early,) if all_early(times) else ()


def unmistakable(events: pl.DataFrame) -> pl.DataFrame:
    """Events whose timestamps read back as what they are: seconds that could be other numbers become times."""
    times = events["timestamp"]
    plain = meaning(times, events["user_id"]) is not None
    return events if plain else events.with_columns(timestamp=as_written(times))
