"""Events of tables in any form, read many rows at a time, so that little more than what is kept lies in memory."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import polars as pl

from client.data.folder_options import Said
from client.data.ids import without_blanks
from client.data.importers.form import Form
from client.data.importers.imported import positions
from client.data.importers.imported_times import WAYS, imported_times
from client.data.importers.quotes import SwallowedLines
from client.data.importers.refused_rows import RefusedRows, tolerantly
from client.data.importers.source import Source, SourceFile
from client.data.importers.text_table import TextTable
from client.data.written_times import from_iso, has_two_readings, zoned
from shared.errors import DataError

_TWO_READINGS = (
    "expected a time in ISO 8601, found a date that can be read two ways; say how with --time-format '%d/%m/%Y' or "
    "another one"
)
_NO_TIME = "expected a time in ISO 8601 or seconds since 1970; say how times are written with --time-format"
WRITTEN_WAYS = f"{WAYS}; or how a date is written with --time-format, such as '%Y%m%d'"
Further = Callable[[TextTable], dict[str, pl.Series]]
"""What else is read of each row of events."""
Look = Callable[[TextTable], None]


@dataclass(eq=False)
class Places:
    """Where the rows of many blocks stood, for errors."""

    _starts: list[int] = field(default_factory=lambda: [0])
    _blocks: list[tuple[str, str, int | pl.Series]] = field(default_factory=list)

    def add(self, table: TextTable, name: str | None) -> None:
        """Add the rows of a block.

        Args:
            table: the block.
            name: the column that errors are about.
        """
        lines = table.lines
        first = lines[0] if len(lines) else 0
        whole = bool(len(lines)) and lines[-1] - first + 1 == len(lines)
        self._starts.append(self._starts[-1] + len(lines))
        self._blocks.append((f"{table.label}, {table.unit} ", f": {table.part} {name}", first if whole else lines))

    def __call__(self, row: int) -> str:
        """A row's file, line and column."""
        number = bisect_right(self._starts, row) - 1
        before, after, lines = self._blocks[number]
        inside = row - self._starts[number]
        return f"{before}{lines + inside if isinstance(lines, int) else lines[inside]}{after}"


@dataclass(eq=False)
class EventRows:
    """The events of all files of a form."""

    blocks: list[pl.DataFrame] = field(default_factory=list)
    places: Places = field(default_factory=Places)
    no_zone: list[int] = field(default_factory=list)
    """of each block whose times are texts, how many say no zone"""
    outside: int = 0
    """rows left out whose time is known to be wrong"""
    blanks: int = 0
    """ids that had blanks around them"""
    unread: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """by file, columns that were not read"""


def read_events(
    forms: Sequence[Form], source: Source, time_meaning: Said | None, further: Further | None = None
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Read the events of all files of some forms.

    Args:
        forms: each says which files it is of, and how they are read.
        source: holds the files.
        time_meaning: what timestamps mean that are numbers; None where nobody says.
        further: gives further columns of each block; None for none.

    Returns:
        user_id, item_id, timestamp, rating and what is read further; and notes.

    Raises:
        DataError: if a value is wrong; it names the file and line, or the row of a Parquet file.
    """
    files = [(form, file) for form in forms for file in form.found(source)]
    return events_of(files, source, time_meaning, further)


def events_of(
    files: Sequence[tuple[Form, SourceFile]], source: Source, time_meaning: Said | None, further: Further | None = None
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Read the events of files that were found; see ``read_events``.

    Args:
        files: each with its form; one or more.
        source: holds the files.
        time_meaning: what timestamps mean that are numbers; None where nobody says.
        further: gives further columns of each block; None for none.

    Returns:
        user_id, item_id, timestamp, rating and what is read further; and notes.

    Raises:
        DataError: if a value is wrong; it names the file and line, or the row of a Parquet file.
    """
    rows = EventRows()
    for form, file in files:
        read_file(rows, form, file, source, further=further)
    return timed_events(rows, time_meaning, no_time=files[0][0].no_time)


def read_file(
    rows: EventRows,
    form: Form,
    file: SourceFile,
    source: Source,
    *,
    look: Look | None = None,
    take: Look | None = None,
    further: Further | None = None,
) -> None:
    """Add a file's events.

    Args:
        rows: to which they are added.
        form: how the file is read.
        file: the file.
        source: gives a scratch folder, and the list of refused rows where there is one.
        look: gets each block first; None for nothing.
        take: gets those rows of each block that are not refused; None for nothing.
        further: gives further columns of each block; None for none.

    Raises:
        DataError: if a value is wrong and the source lists no refused rows.
    """
    swallowed = SwallowedLines(form.dialect) if form.guards_quotes else None
    for table in form.blocks(file, source):
        if swallowed is not None:
            swallowed.look(table)
        read_table(rows, form, table, source.refused, look=look, take=take, further=further)
    if swallowed is not None:
        swallowed.refuse()


def numbered(number: int, table: TextTable) -> dict[str, pl.Series]:
    """Which ``file`` each row is of, for ``without_repeats``.

    Args:
        number: of the file.
        table: a block of it.

    Returns:
        one column of Int32, as long as the block.
    """
    return {"file": pl.Series([number], dtype=pl.Int32).new_from_index(0, table.rows.height)}


def read_table(
    rows: EventRows,
    form: Form,
    table: TextTable,
    refused: RefusedRows | None,
    *,
    look: Look | None = None,
    take: Look | None = None,
    further: Further | None = None,
) -> None:
    """Add the events of one block; see ``read_file``.

    Args:
        rows: to which they are added.
        form: how the block is read.
        table: the block.
        refused: the list of refused rows; None: a wrong row is an error.
        look: gets the block first; None for nothing.
        take: gets those rows that are not refused; None for nothing.
        further: gives further columns of the block; None for none.

    Raises:
        DataError: if a value is wrong and there is no list of refused rows.
    """
    tolerantly(partial(_add, rows, form, look, take, further), table, refused)


def _add(
    rows: EventRows,
    form: Form,
    look: Look | None,
    take: Look | None,
    further: Further | None,
    table: TextTable,
) -> None:
    """Read a block; nothing of it is added where a row is refused."""
    if look is not None:
        look(table)
    needed = ("user_id", "item_id") if form.no_time else ("user_id", "item_id", "timestamp")
    names = form.require(table, *needed)
    columns = {name: table.compact_ids(names[name]) for name in ("user_id", "item_id")}
    blanks = sum(without_blanks(table.rows[names[name]])[1] for name in columns if columns[name].dtype == pl.String)
    ratings = _ratings(table, form)
    times, no_zone = (
        (None, None)
        if form.no_time
        else written_times(table, names["timestamp"], form.times, unbounded=form.between is not None)
    )
    times = times if times is None else _later(table, form, times)
    columns |= {"rating": ratings} if times is None else {"timestamp": times, "rating": ratings}
    block, texts = pl.DataFrame(columns | (further(table) if further else {})), table
    if form.between is not None and times is not None:
        inside = _inside(times, form.between)
        block, texts, rows.outside = block.filter(inside), table.filter(inside), rows.outside + int((~inside).sum())
    if take is not None:
        take(texts)
    if block.height:
        rows.blocks.append(block)
        rows.blanks += blanks
        rows.places.add(texts, names.get("timestamp"))
    rows.no_zone += [] if no_zone is None else [no_zone]
    rows.unread[table.label] = table.unread(*form.wanted)


def _later(table: TextTable, form: Form, times: pl.Series) -> pl.Series:
    """The times, so many milliseconds later as another column says."""
    name = form.called(table, "milliseconds_later")
    if name is None:
        return times
    return (times.dt.epoch("us") + (table.numbers(name, minimum=0) * 1000).cast(pl.Int64)).cast(pl.Datetime("us"))


def _inside(times: pl.Series, between: tuple[int, int]) -> pl.Series:
    """Whether each time lies between two others, in seconds since 1970."""
    seconds = times.dt.epoch("s") if times.dtype.is_temporal() else times
    return seconds.is_between(*between)


def _ratings(table: TextTable, form: Form) -> pl.Series:
    """Float32: what the column says, a number for each of its words, or one for all rows."""
    name = form.called(table, "rating")
    absent = name is not None and table.part == "field" and table.rows[name].null_count() == table.rows.height
    if name is None or absent:  # of JSON lines each field that may be there is a column
        value = 1.0 if form.rating is None else form.rating
        return pl.Series("rating", [value], dtype=pl.Float32).new_from_index(0, table.rows.height)
    if not form.levels:
        return table.ratings(name)
    words = table.texts(name)
    levels = words.replace_strict(dict(form.levels), default=None, return_dtype=pl.Float32)
    table.refuse(levels.is_null(), name, f"expected one of {', '.join(form.levels)}")
    return levels


def written_times(
    table: TextTable, name: str, formats: tuple[str, ...], *, unbounded: bool = False
) -> tuple[pl.Series, int | None]:
    """Read a column of times, however they are written.

    Args:
        table: holds the column.
        name: of the column.
        formats: how times are written, as polars says it; empty: numbers, or ISO 8601.
        unbounded: whether numbers may be of any size; they are then whole.

    Returns:
        the column as numbers and None, or as datetimes and how many of those say no zone; None too where formats are
        given.

    Raises:
        DataError: if a row is no time, lies before 1970 or can be read in two ways; it names the first one.
    """
    if formats:
        return table.times(name, *formats), None
    raw = table.rows[name]
    if unbounded:
        return table.numbers(name).cast(pl.Int64), None
    if len(raw) and not raw.cast(pl.Int64, strict=False).null_count():
        return table.clock(name), None
    texts = table.texts(name)
    numbers = texts.cast(pl.Float64, strict=False).is_not_null()
    if len(texts) and numbers.all():
        return table.clock(name), None
    times = from_iso(texts)
    if numbers.sum() > times.count():
        return table.clock(name), None  # which names the row that is no number
    table.refuse(times.is_null() & has_two_readings(texts), name, _TWO_READINGS)
    table.refuse(times.is_null(), name, _NO_TIME)
    return table.after_1969(times, name), int((~zoned(texts)).sum())


def timed_events(
    rows: EventRows, time_meaning: Said | None, *, no_time: bool = False
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The blocks in one table, with times in one unit.

    Args:
        rows: the blocks; they are cleared.
        time_meaning: what timestamps mean that are numbers; None where nobody says.
        no_time: whether there are no times; timestamps are then positions in the file.

    Returns:
        user_id, item_id, timestamp, rating and what was read further; and notes.

    Raises:
        DataError: if there is no row, or times are written in more than one way or tell nothing.
    """
    if not rows.blocks:
        raise DataError("the source holds no event")
    columns = rows.blocks[0].columns
    parts = {name: [block[name] for block in rows.blocks] for name in columns}
    rows.blocks.clear()
    events = pl.DataFrame({name: _united(parts.pop(name)) for name in columns})
    blanks = (f"{rows.blanks:,} ids have blanks around them, which are left out",) if rows.blanks else ()
    if no_time:
        events.insert_column(2, events.select(timestamp=positions()).to_series())
        return events, ("timestamps are positions in the file", *blanks)
    times = imported_times(events["timestamp"], events["user_id"], rows.places, time_meaning, WRITTEN_WAYS)
    zones = no_zone_note(sum(rows.no_zone), events.height)
    outside = (f"{rows.outside:,} rows whose time cannot be true left out",) if rows.outside else ()
    return events.with_columns(timestamp=times.values), (*zones, *outside, *blanks, *times.notes)


def no_zone_note(no_zone: int, height: int) -> tuple[str, ...]:
    """A sentence where some times say their zone and others do not.

    Args:
        no_zone: how many say none.
        height: how many there are.

    Returns:
        the sentence; else nothing.
    """
    return (f"{no_zone:,} times say no zone: they are read as UTC",) if 0 < no_zone < height else ()


def _united(parts: list[pl.Series]) -> pl.Series:
    """One column: integers where all parts are, else texts; numbers or times."""
    kinds = {part.dtype for part in parts}
    if len(kinds) > 1 and pl.String in kinds:
        parts = [part.cast(pl.String) for part in parts]
    elif len(kinds) > 1 and any(kind.is_temporal() for kind in kinds):
        raise DataError(f"expected times written in one way, found numbers and dates in column {parts[0].name}")
    elif len(kinds) > 1:
        parts = [part.cast(pl.Float64) for part in parts]
    return pl.concat(parts, rechunk=True)
