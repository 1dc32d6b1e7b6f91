"""A table read as strings, whose values are then taken column by column.

Every error names the file, the line and the column; a value itself is never repeated, it may be somebody's.
"""

import json
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

import polars as pl

from client.data.importers.refused_rows import BadRows
from client.data.missing import present_texts
from client.data.written_times import from_iso
from shared.errors import DataError

_SHOWN = 20
"""Columns that a sentence names."""
_TRUTHS = {"true": "1", "false": "0"}
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
    decimal: str = "."
    """What stands before the fraction of a number."""
    marked: bool = True
    """Whether quotation marks stand in the file where these rows do."""
    part: str = "column"
    """What errors call a column."""

    def require(self, *names: str, hint: str = "") -> None:
        """Require columns of the table.

        Args:
            *names: as the file calls them.
            hint: what the error says is to be done.

        Raises:
            DataError: if one of them is missing.
        """
        missing = [name for name in names if name not in self.rows.columns]
        if missing:
            kinds = [f"{name} of type {self.without_text[name]}" for name in missing if name in self.without_text]
            columns = ", ".join([*kinds, *self.rows.columns[:_SHOWN]])
            raise DataError(f"{self.label}: expected the column {', '.join(missing)}, found {columns}{hint}")

    def unread(self, *read: str) -> tuple[str, ...]:
        """The names of the columns besides those that were read."""
        return tuple(name for name in (*self.rows.columns, *self.without_text) if name not in read)

    def unread_note(self, *read: str, hint: str = "") -> tuple[str, ...]:
        """A sentence that names the columns that were not read.

        Args:
            *read: columns that were read.
            hint: how they could be read.

        Returns:
            the sentence; nothing where all columns were read.
        """
        return unread_note(self.label, self.unread(*read), hint)

    def filter(self, keep: pl.Series) -> "TextTable":
        """The rows where ``keep`` is True."""
        return replace(self, rows=self.rows.filter(keep), lines=self.lines.filter(keep))

    def distinct(self, names: Sequence[str]) -> "TextTable":
        """The first row of each combination of values in some columns.

        Args:
            names: of the columns.

        Returns:
            a table of these rows.
        """
        rows = self.rows.select(names).with_row_index("_row").unique(names, keep="first", maintain_order=True)["_row"]
        return replace(self, rows=self.rows[rows], lines=self.lines[rows])

    def texts(self, name: str) -> pl.Series:
        """Read a column of texts.

        Args:
            name: of the column.

        Returns:
            strings without surrounding blanks; empty where there is nothing.

        Raises:
            DataError: if the column is missing.
        """
        self.require(name)
        return present_texts(self.rows[name]).fill_null("").str.strip_chars()

    def compact_ids(self, name: str) -> pl.Series:
        """Read a column of ids, in little memory.

        Args:
            name: of the column.

        Returns:
            Int64 where each is a whole number as Python writes it; else as ``ids``, and equal strings share their
            memory.

        Raises:
            DataError: if the column is missing, or a row holds no id.
        """
        self.require(name)
        texts = self.rows[name]
        whole = texts.cast(pl.Int64, strict=False)
        if not whole.null_count() and bool((whole.cast(pl.String) == texts).all()):
            return whole
        return self.ids(name).cast(pl.Categorical).cast(pl.String)

    def ids(self, name: str) -> pl.Series:
        """Read a column of ids.

        Args:
            name: of the column.

        Returns:
            strings, none of them empty or a word for a missing value.

        Raises:
            DataError: if the column is missing, or a row holds no id; it names the first one.
        """
        values = self.texts(name)
        self.refuse(values == "", name, "expected an id, found an empty field or a word for a missing value")
        self.refuse(values.str.contains("\n", literal=True), name, "expected an id, found several lines")
        return values

    def whole_ids(self, name: str) -> pl.Series:
        """Read a column of ids that are whole numbers, as such or as spreadsheets write them (``13085.0``).

        Args:
            name: of the column.

        Returns:
            Int64.

        Raises:
            DataError: if a row is no whole number; it names the first one.
        """
        values = self.ids(name).str.strip_suffix(".0").cast(pl.Int64, strict=False)
        self.refuse(values.is_null(), name, "expected a whole number")
        return values

    def numbers(self, name: str, *, minimum: float | None = None) -> pl.Series:
        """Read a column of numbers.

        Args:
            name: of the column.
            minimum: the least number that is right; None for any.

        Returns:
            finite Float64.

        Raises:
            DataError: if a row is no number, or lies under ``minimum``; it names the first one.
        """
        texts = self.texts(name)
        texts = _without_thousands(texts, self.decimal)
        texts = texts if self.decimal == "." else texts.str.replace(self.decimal, ".", literal=True)
        values = texts.cast(pl.Float64, strict=False)
        comma = texts.str.contains(r"^-?\d+,\d+$").any()
        hint = " (where a comma stands before the fraction: --decimal ,)" if comma else ""
        self.refuse(~values.is_finite().fill_null(value=False), name, f"expected a number{hint}")
        if minimum is not None:
            self.refuse(values < minimum, name, f"expected a number of at least {minimum:g}")
        return values

    def joined_texts(self, name: str) -> pl.Series:
        """Read a column of texts, with a comma between the texts of a list in JSON.

        Args:
            name: of the column.

        Returns:
            strings, as ``texts`` gives them.

        Raises:
            DataError: if the column is missing.
        """
        texts = self.texts(name)
        if not texts.str.starts_with("[").any():
            return texts
        return pl.Series(name, [_joined(text) for text in texts], dtype=pl.String)

    def ratings(self, name: str) -> pl.Series:
        """Read a column of ratings.

        Args:
            name: of the column.

        Returns:
            Float32; true is 1, false is 0.

        Raises:
            DataError: if a row is no number; it names the first one.
        """
        plain = self.rows[name].cast(pl.Float32, strict=False)
        if self.decimal == "." and bool(plain.is_finite().fill_null(value=False).all()):
            return plain
        truths = self.rows[name].str.strip_chars().str.to_lowercase().replace(_TRUTHS)
        return replace(self, rows=self.rows.with_columns(truths)).numbers(name).cast(pl.Float32)

    def clock(self, name: str) -> pl.Series:
        """Read what a clock or a counter shows, which is not negative.

        Args:
            name: of the column.

        Returns:
            Int64 where all are whole, else Float64.

        Raises:
            DataError: if a row is no number, or a negative one; it names the first one.
        """
        self.require(name)
        whole = self.rows[name].cast(pl.Int64, strict=False)
        whole = self.texts(name).cast(pl.Int64, strict=False) if whole.null_count() else whole
        if not whole.null_count() and bool((whole >= 0).all()):
            return whole
        values = self.numbers(name, minimum=0)
        fits = bool(((values == values.floor()) & (values < _MOST)).all())
        return values.cast(pl.Int64) if fits else values

    def clock_or_iso(self, name: str) -> pl.Series:
        """Read what a clock or a counter shows, or texts in ISO 8601.

        Args:
            name: of the column.

        Returns:
            as ``clock``; where no row holds a number, datetimes in UTC.

        Raises:
            DataError: if a row is neither; it names the first one.
        """
        texts = self.texts(name)
        if texts.cast(pl.Float64, strict=False).is_not_null().any():
            return self.clock(name)
        times = from_iso(texts)
        self.refuse(times.is_null(), name, "expected a number, or a time in ISO 8601")
        return self.after_1969(times, name)

    def times(self, name: str, *formats: str) -> pl.Series:
        """Read a column of times, written in the first of some formats that fits every row.

        Args:
            name: of the column.
            *formats: as polars says them.

        Returns:
            datetimes in UTC, which those without a zone are.

        Raises:
            DataError: if no format fits, if two do and differ, or if a time lies before 1970.
        """
        values = self.texts(name)
        tries = [values.str.to_datetime(pattern, strict=False, time_unit="us").dt.epoch("us") for pattern in formats]
        best = min(tries, key=lambda column: column.null_count())
        self.refuse(best.is_null(), name, f"expected a time like {formats[0]!r}")
        for other in tries:
            if not other.null_count():
                self.refuse(
                    other != best, name, "expected one reading, found a date of which both numbers may be the month"
                )
        return self.after_1969(best.cast(pl.Datetime("us")), name)

    def after_1969(self, times: pl.Series, name: str) -> pl.Series:
        """Require times after 1969.

        Args:
            times: datetimes.
            name: of their column, for the error.

        Returns:
            the times themselves.

        Raises:
            DataError: if one lies before 1970; it names the first one.
        """
        self.refuse(times.dt.epoch("us") < 0, name, "expected a time after 1969")
        return times

    def row(self, name: str) -> Callable[[int], str]:
        """What errors call a column in a row.

        Args:
            name: of the column.

        Returns:
            gives it for a row's number in this table, from 0.
        """
        return lambda row: f"{self.label}, {self.unit} {self.lines[row]}: {self.part} {name}"

    def refuse(self, wrong: pl.Series, name: str, expected: str) -> None:
        """Refuse wrong rows.

        Args:
            wrong: true for each wrong row; null counts as right.
            name: of the column that is wrong.
            expected: in words.

        Raises:
            BadRows: if a row is wrong; it names the first one.
        """
        if wrong.any():
            message = f"{self.row(name)(wrong.arg_max() or 0)}: {expected}"
            raise BadRows(message, table=self, wrong=wrong.fill_null(value=False), column=name, reason=expected)

    def refuse_repeats(self, ids: pl.Series, name: str) -> None:
        """Refuse an id that already stood in an earlier line.

        Args:
            ids: a column of the table, row by row.
            name: of the column.

        Raises:
            BadRows: if an id comes again; it names the first one.
        """
        self.refuse(~ids.is_first_distinct(), name, "the id already stands in an earlier one")


def unread_note(label: str, names: Sequence[str], hint: str = "") -> tuple[str, ...]:
    """A sentence that names columns of a file that were not read.

    Args:
        label: of the file.
        names: of the columns.
        hint: how they could be read.

    Returns:
        the sentence; nothing where there are no such columns.
    """
    more = ", ..." if len(names) > _SHOWN else ""
    return (f"{label}: columns that were not read: {', '.join(names[:_SHOWN])}{more}{hint}",) if names else ()


def row_of(tables: Sequence[tuple[TextTable, str]]) -> Callable[[int], str]:
    """What errors call a row of several tables, one below the other, each with the name of its column."""
    starts = [0, *accumulate(table.rows.height for table, _ in tables)]

    def row(place: int) -> str:
        number = bisect_right(starts, place) - 1
        table, name = tables[number]
        return table.row(name)(place - starts[number])

    return row


def are_thousands(numbers: pl.Series, mark: str) -> pl.Series:
    """Whether each number has a mark between its thousands, such as ``1,200`` and ``1,200.5``, not ``0,250``.

    Args:
        numbers: as texts.
        mark: a comma or a point.

    Returns:
        Boolean, row by row.
    """
    fraction = "," if mark == "." else r"\."
    return numbers.str.contains(rf"^-?[1-9]\d{{0,2}}(?:\{mark}\d{{3}})+(?:{fraction}\d+)?$")


def _without_thousands(texts: pl.Series, decimal: str) -> pl.Series:
    """The numbers without the mark between thousands, where it stands nowhere else."""
    mark = "." if decimal == "," else ","
    marked = texts.filter(texts.str.contains(mark, literal=True))
    if marked.is_empty() or not bool(are_thousands(marked, mark).all()):
        return texts
    return texts.str.replace_all(mark, "", literal=True)


def _joined(text: str) -> str:
    if not text.startswith("["):
        return text
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return text
    return ", ".join(map(str, _flat(value)))


def _flat(values: list[object]) -> Iterator[object]:
    for value in values:
        if isinstance(value, list):
            yield from _flat(value)
        elif isinstance(value, str | int | float) and value != "":
            yield value
