"""A text file with columns (CSV, TSV, ...) read as strings, whose values are then taken column by column.

Every error names the file, the line and the column; a value itself is never repeated, it may be somebody's.
"""

import csv
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path

import polars as pl

from client.data.importers.source import SourceFile
from client.data.missing import present_texts
from client.data.tables import first_line
from client.data.written_times import from_iso
from shared.errors import DataError

SEPARATORS = ",\t;|"
"""What stands between columns, as a rule."""
_SHOWN = 20
"""Columns that a sentence names."""
_TRUTHS = {"true": "1", "false": "0"}
_UNNAMED = "(unnamed)"
"""What a first column without a name is called: pandas writes its index like that."""
_LONGEST = 2**31 - 1
"""Characters of a field that csv may take where it reads all records; else 128 Ki."""


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How a line is cut into fields."""

    separator: str
    quote: str | None
    """None: a quotation mark is a character like any other."""
    hint: str = ""
    """What to do where one does not fit, for errors."""


CSV = Dialect(separator=",", quote='"')
TSV = Dialect(separator="\t", quote=None)
_MOST = 2.0**63


@dataclass(frozen=True, eq=False, kw_only=True)
class TextTable:
    """The rows of a text file; blank lines are left out."""

    label: str
    rows: pl.DataFrame
    """String columns as in the file."""
    lines: pl.Series
    """The line of the file on which each row starts, counted from 1."""
    unit: str = "line"
    """What ``lines`` counts; a Parquet file has rows, counted from 0."""
    without_text: Mapping[str, str] = field(default_factory=dict)
    """Columns of a Parquet file that are no text, and their types."""

    def require(self, *names: str, hint: str = "") -> None:
        """Raise DataError unless these columns are there; ``hint`` says what to do."""
        missing = [name for name in names if name not in self.rows.columns]
        if missing:
            kinds = [f"{name} of type {self.without_text[name]}" for name in missing if name in self.without_text]
            found = ", ".join([*kinds, *self.rows.columns[:_SHOWN]])
            raise DataError(f"{self.label}: expected the column {', '.join(missing)}, found {found}{hint}")

    def unread(self, *read: str) -> tuple[str, ...]:
        """The names of the columns besides those that were read."""
        return tuple(name for name in (*self.rows.columns, *self.without_text) if name not in read)

    def unread_note(self, *read: str, hint: str = "") -> tuple[str, ...]:
        """A sentence that names them; nothing where there are none."""
        names = self.unread(*read)
        more = ", ..." if len(names) > _SHOWN else ""
        return (f"{self.label}: columns that were not read: {', '.join(names[:_SHOWN])}{more}{hint}",) if names else ()

    def filter(self, keep: pl.Series) -> "TextTable":
        """The rows where ``keep`` is True."""
        return replace(self, rows=self.rows.filter(keep), lines=self.lines.filter(keep))

    def texts(self, name: str) -> pl.Series:
        """Strings without surrounding blanks; empty where there is nothing."""
        self.require(name)
        return present_texts(self.rows[name]).fill_null("").str.strip_chars()

    def ids(self, name: str) -> pl.Series:
        """Strings, none of them empty or a word for a missing value."""
        values = self.texts(name)
        self.refuse(values == "", name, "expected an id, found an empty field or a word for a missing value")
        self.refuse(values.str.contains("\n", literal=True), name, "expected an id, found several lines")
        return values

    def whole_ids(self, name: str) -> pl.Series:
        """Int64, written as whole numbers or as spreadsheets write them (``13085.0``)."""
        values = self.ids(name).str.strip_suffix(".0").cast(pl.Int64, strict=False)
        self.refuse(values.is_null(), name, "expected a whole number")
        return values

    def numbers(self, name: str, *, minimum: float | None = None) -> pl.Series:
        """Finite Float64, not under ``minimum``."""
        values = self.texts(name).cast(pl.Float64, strict=False)
        self.refuse(~values.is_finite().fill_null(value=False), name, "expected a number")
        if minimum is not None:
            self.refuse(values < minimum, name, f"expected a number of at least {minimum:g}")
        return values

    def ratings(self, name: str) -> pl.Series:
        """Float32; true is 1, false is 0."""
        truths = self.rows[name].str.strip_chars().str.to_lowercase().replace(_TRUTHS)
        return replace(self, rows=self.rows.with_columns(truths)).numbers(name).cast(pl.Float32)

    def clock(self, name: str) -> pl.Series:
        """What a clock or a counter shows, which is not negative: Int64 where all are whole, else Float64."""
        whole = self.texts(name).cast(pl.Int64, strict=False)
        if not whole.null_count() and bool((whole >= 0).all()):
            return whole
        values = self.numbers(name, minimum=0)
        fits = bool(((values == values.floor()) & (values < _MOST)).all())
        return values.cast(pl.Int64) if fits else values

    def clock_or_iso(self, name: str) -> pl.Series:
        """As ``clock``; where no row holds a number, datetimes in UTC of texts in ISO 8601."""
        texts = self.texts(name)
        if texts.cast(pl.Float64, strict=False).is_not_null().any():
            return self.clock(name)
        times = from_iso(texts)
        self.refuse(times.is_null(), name, "expected a number, or a time in ISO 8601")
        return self.after_1969(times, name)

    def times(self, name: str, *formats: str) -> pl.Series:
        """Datetimes in UTC, which those without a zone are, written in the first of ``formats`` that fits every row.

        Raises DataError where none fits, and where two do and differ.
        """
        values = self.texts(name)
        tries = [values.str.to_datetime(one, strict=False, time_unit="us").dt.epoch("us") for one in formats]
        best = min(tries, key=lambda one: one.null_count())
        self.refuse(best.is_null(), name, f"expected a time like {formats[0]!r}")
        for other in tries:
            if not other.null_count():
                self.refuse(
                    other != best, name, "expected one reading, found a date of which both numbers may be the month"
                )
        return self.after_1969(best.cast(pl.Datetime("us")), name)

    def after_1969(self, times: pl.Series, name: str) -> pl.Series:
        """The times themselves; raises DataError for one before 1970."""
        self.refuse(times.dt.epoch("us") < 0, name, "expected a time after 1969")
        return times

    def row(self, name: str) -> Callable[[int], str]:
        """What errors call a column in a row."""
        return lambda row: f"{self.label}, {self.unit} {self.lines[row]}: column {name}"

    def refuse(self, wrong: pl.Series, name: str, expected: str) -> None:
        """Raise DataError that names the first line where ``wrong`` is True."""
        if wrong.any():
            raise DataError(f"{self.row(name)(wrong.arg_max() or 0)}: {expected}")

    def refuse_repeats(self, ids: pl.Series, name: str) -> None:
        """Raise DataError at the first id that already stood in an earlier line."""
        self.refuse(~ids.is_first_distinct(), name, "the id already stands in an earlier one")


def row_of(tables: Sequence[tuple[TextTable, str]]) -> Callable[[int], str]:
    """What errors call a row of several tables, one below the other, each with the name of its column."""
    starts = [0, *accumulate(table.rows.height for table, _ in tables)]

    def row(place: int) -> str:
        number = bisect_right(starts, place) - 1
        table, name = tables[number]
        return table.row(name)(place - starts[number])

    return row


def read_text_table(
    file: SourceFile,
    scratch: Path,
    dialect: Dialect,
    *,
    columns: tuple[str, ...] | None = None,
    encoding: str = "utf-8",
) -> TextTable:
    """Read a file whose first line names the columns, or one without such a line but with ``columns``.

    Raises DataError where the file is unreadable, empty, not text in ``encoding`` or not cut into columns, and where
    a field of several lines stands in a file whose quotation marks do not fit.
    """
    path = file.unpack(scratch, encoding)
    first = _first_record(file.label, path, dialect)
    names = _column_names(file.label, first, dialect) if columns is None else columns
    if len(first) != len(names):
        raise DataError(f"{file.label}, line 1: expected {len(names)} fields, found {len(first)}")
    try:
        rows = pl.read_csv(
            path,
            separator=dialect.separator,
            quote_char=dialect.quote,
            has_header=False,
            skip_rows=0 if columns else 1,
            schema=dict.fromkeys(names, pl.String),
            glob=False,
        )
    except pl.exceptions.NoDataError:
        rows = pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _explained(file.label, path, dialect, len(names), error) from error
    if dialect.quote is not None and _holds_several_lines(rows):
        deque(_records(file.label, path, dialect), maxlen=0)
    return _numbered(file.label, rows, 1 if columns else 2)


def _first_record(label: str, path: Path, dialect: Dialect) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as text:
        line = text.readline().rstrip("\r\n")
    if not line.strip():
        raise DataError(f"{label}, line 1: expected fields, found an empty line")
    try:
        return _cut(line, dialect)
    except csv.Error as wrong:
        raise DataError(f"{label}, line 1: cannot be cut into fields ({first_line(wrong)}){dialect.hint}") from wrong


def _cut(line: str, dialect: Dialect) -> list[str]:
    if dialect.quote is None:
        return line.split(dialect.separator)
    return next(csv.reader([line], delimiter=dialect.separator, quotechar=dialect.quote))


def _column_names(label: str, first: list[str], dialect: Dialect) -> tuple[str, ...]:
    names = tuple(name.strip() for name in first)
    other = max(SEPARATORS.replace(dialect.separator, ""), key=names[0].count)
    if len(names) == 1 and other in names[0]:
        wanted = repr(dialect.separator)
        raise DataError(
            f"{label}, line 1: expected columns with {wanted} between them, found one that holds {other!r} (write the "
            f"table with {wanted})"
        )
    names = (names[0] or _UNNAMED, *names[1:])
    for place, name in enumerate(names):
        if not name or name in names[:place]:
            found = f"that of column {names.index(name) + 1} again" if name else "none"
            raise DataError(
                f"{label}, line 1: expected column names, each once, found {found} for column {place + 1} (give each "
                "column a name of its own in the first line)"
            )
    return names


def _holds_several_lines(rows: pl.DataFrame) -> bool:
    return bool(rows.select(pl.any_horizontal(pl.all().str.contains("\n", literal=True))).to_series().any())


def _numbered(label: str, rows: pl.DataFrame, first: int) -> TextTable:
    """Number the rows by lines (a quoted field may hold line ends) and leave blank ones out."""
    breaks = rows.select(pl.sum_horizontal(pl.all().str.count_matches("\n").fill_null(0))).to_series()
    before = breaks.cast(pl.Int64).cum_sum().shift(1, fill_value=0)
    lines = before + pl.int_range(first, first + rows.height, eager=True)
    blank = rows.select(pl.all_horizontal(pl.all().is_null())).to_series()
    return TextTable(label=label, rows=rows.filter(~blank), lines=lines.filter(~blank))


def _explained(label: str, path: Path, dialect: Dialect, width: int, error: BaseException) -> DataError:
    """The error with the line it is about."""
    short = ""
    for start, record in _records(label, path, dialect):
        if 0 < len(record) < width:
            short = short or f"{label}, line {start}: expected {width} fields, found {len(record)}"
        if len(record) > width:
            return DataError(f"{label}, line {start}: expected {width} fields, found {len(record)}")
    return DataError(short or f"{label}: cannot be read as a table ({first_line(error)}){dialect.hint}")


def _records(label: str, path: Path, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """The records of a file, each with the line on which it starts, read once more, slowly.

    Raises DataError for the first in which a quotation mark closes a field that goes on, or closes none.
    """
    limit = csv.field_size_limit(_LONGEST)
    with path.open(encoding="utf-8-sig", newline="\n") as text:
        reader = csv.reader(
            (line.replace("\r", "") for line in text),
            delimiter=dialect.separator,
            quotechar=dialect.quote,
            quoting=csv.QUOTE_NONE if dialect.quote is None else csv.QUOTE_MINIMAL,
            strict=True,
        )
        start = 1
        try:
            for record in reader:
                yield start, record
                start = reader.line_num + 1
        except csv.Error as wrong:
            raise DataError(
                f"{label}, line {start}: cannot be cut into fields ({first_line(wrong)}){dialect.hint}"
            ) from wrong
        finally:
            csv.field_size_limit(limit)
