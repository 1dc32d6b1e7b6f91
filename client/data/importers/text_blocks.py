"""A text file with columns (CSV, TSV, ...) read as strings, many rows at a time.

Every error names the file and the line; a value itself is never repeated, it may be somebody's.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

import polars as pl

from client.data.importers.source import SourceFile, fitting_encoding
from client.data.importers.text_table import TextTable
from client.data.tables import first_line
from shared.errors import DataError

SEPARATORS = ",\t;|"
"""What stands between columns, as a rule."""
_UNNAMED = "(unnamed)"
"""What a first column without a name is called: pandas writes its index like that."""
_LONGEST = 2**31 - 1
"""Characters of a field that csv may take where it reads all records; else 128 Ki."""
_UNIT = "\x1f"
"""Stands for a separator of several characters; ASCII keeps it for that."""


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How a line is cut into fields."""

    separator: str
    """one character or several"""
    quote: str | None
    """None: a quotation mark is a character like any other."""
    hint: str = ""
    """What to do where one does not fit, for errors."""
    decimal: str = "."
    """what stands before the fraction of a number"""
    wrapped: bool = False
    """True where each line begins and ends with a quotation mark and ``separator`` holds those between"""

    @property
    def cut(self) -> str:
        """The one character that stands for the separator once a block was read."""
        return self.separator if len(self.separator) == 1 else _UNIT


CSV = Dialect(separator=",", quote='"')
TSV = Dialect(separator="\t", quote=None)


def read_text_table(
    file: SourceFile,
    dialect: Dialect,
    *,
    columns: tuple[str, ...] | None = None,
    encodings: tuple[str, ...] = ("utf-8",),
) -> TextTable:
    """Read all rows of a file, as ``text_blocks`` reads them.

    Args:
        file: the file.
        dialect: how a line is cut into fields.
        columns: their names; None where the first line names them.
        encodings: of which the first that fits counts.

    Returns:
        the rows in one table.

    Raises:
        DataError: if the file cannot be read so.
    """
    return _whole(list(text_blocks(file, dialect, columns=columns, encoding=fitting_encoding(file, encodings))))


def _whole(blocks: list[TextTable]) -> TextTable:
    """Several blocks of one file as one table."""
    lines = pl.concat([block.lines for block in blocks])
    return replace(blocks[0], rows=pl.concat([block.rows for block in blocks]), lines=lines)


def text_blocks(
    file: SourceFile, dialect: Dialect, *, columns: tuple[str, ...] | None = None, encoding: str = "utf-8"
) -> Iterator[TextTable]:
    """The rows of a file, many at a time.

    A first line ``sep=;``, which spreadsheets read, is skipped. Where the file lists what it refuses, lines of another
    number of fields are left out; so are rows that were refused before.

    Args:
        file: the file.
        dialect: how a line is cut into fields.
        columns: their names; None where the first line names them.
        encoding: of the file, unless the user says another one.

    Yields:
        tables of strings.

    Raises:
        DataError: if the file is unreadable, empty, not text in the encoding or not cut into columns, or if a field of
            several lines stands in a file whose quotation marks do not fit.
    """
    blocks = _whole_records(file.blocks(encoding), dialect)
    first = next(blocks, b"").removeprefix(b"\xef\xbb\xbf")
    start = 1
    if first[:4].lower() == b"sep=":
        start, first = 2, first.partition(b"\n")[2]
    names, skipped = _names(file.label, first, dialect, columns, start)
    if skipped:
        start, first = start + skipped, first.partition(b"\n")[2]
    for block in chain([first], blocks):
        yield _read_block(file, block, dialect, names, start)
        start += block.count(b"\n")


def _whole_records(blocks: Iterator[bytes], dialect: Dialect) -> Iterator[bytes]:
    """The blocks cut where no quotation mark is open."""
    if dialect.quote is None:
        yield from blocks
        return
    quote, rest = dialect.quote.encode(), b""
    for block in blocks:
        rest += block
        cut = len(rest)
        while cut > 0 and rest.count(quote, 0, cut) % 2:
            cut = rest.rfind(b"\n", 0, rest.rfind(quote, 0, cut)) + 1
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
    if rest:
        yield rest


def _names(
    label: str, block: bytes, dialect: Dialect, columns: tuple[str, ...] | None, line: int
) -> tuple[tuple[str, ...], int]:
    """The columns' names, and how many lines of the block name them."""
    first, second = (_first_fields(label, part, dialect, line) for part in (block, block.partition(b"\n")[2]))
    if columns is None and first:
        names = _column_names(label, first, dialect)
        if second is not None and len(second) == len(names) + 1 and len(names) > 1:
            names = (_UNNAMED, *names)  # R writes the names of rows, and none for their column
        return names, 1
    if columns is not None and first and len(first) != len(columns):
        raise DataError(f"{label}, line {line}: expected {len(columns)} fields, found {len(first)}")
    if columns is not None and first:
        return columns, 0
    raise DataError(f"{label}, line {line}: expected fields, found an empty line")


def _first_fields(label: str, block: bytes, dialect: Dialect, line: int) -> list[str] | None:
    """The fields of the first line; None where it is empty, or where a field goes on in the next one."""
    text = block.partition(b"\n")[0].decode("utf-8").rstrip("\r")
    if not text.strip():
        return None
    try:
        return _cut(text, dialect)
    except csv.Error as wrong:
        raise DataError(
            f"{label}, line {line}: cannot be cut into fields ({first_line(wrong)}){dialect.hint}"
        ) from wrong


def _cut(line: str, dialect: Dialect) -> list[str]:
    if dialect.wrapped:
        line = line.removeprefix('"').removesuffix('"')
    if dialect.quote is None:
        return line.split(dialect.separator)
    line = line.replace(dialect.separator, dialect.cut)
    return next(csv.reader([line], delimiter=dialect.cut, quotechar=dialect.quote))


def _column_names(label: str, first: list[str], dialect: Dialect) -> tuple[str, ...]:
    names = tuple(name.strip() for name in first)
    other = max(SEPARATORS.replace(dialect.separator, ""), key=names[0].count)
    if len(names) == 1 and other in names[0]:
        separator = repr(dialect.separator)
        raise DataError(
            f"{label}, line 1: expected columns with {separator} between them, found one that holds {other!r} (write "
            f"the table with {separator})"
        )
    names = (names[0] or _UNNAMED, *names[1:])
    for place, name in enumerate(names):
        if not name or name in names[:place]:
            actual = f"that of column {names.index(name) + 1} again" if name else "none"
            raise DataError(
                f"{label}, line 1: expected column names, each once, found {actual} for column {place + 1} (give each "
                "column a name of its own in the first line)"
            )
    return names


def _read_block(file: SourceFile, block: bytes, dialect: Dialect, names: tuple[str, ...], start: int) -> TextTable:
    """The rows of a block whose first line is ``start``."""
    cut = block if len(dialect.separator) == 1 else block.replace(dialect.separator.encode(), _UNIT.encode())
    try:
        rows = _parsed(cut, dialect, names)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        if file.refused is None:
            raise _explained(file.label, cut, dialect, len(names), start, error) from error
        table = _salvaged(file, cut, dialect, names, start)
    else:
        holds_several = dialect.quote is not None and dialect.quote.encode() in block and _holds_several_lines(rows)
        if holds_several and file.refused is None:
            for _ in _records(file.label, cut, dialect, start):
                pass  # raises where quotation marks do not fit
        table = _numbered(file.label, rows, start, holds_several)
    marked = dialect.quote is not None and dialect.quote.encode() in block
    table = replace(table, decimal=dialect.decimal, marked=marked, rows=_restored(table.rows, dialect))
    return table if file.refused is None else file.refused.without(table)


def _parsed(block: bytes, dialect: Dialect, names: tuple[str, ...]) -> pl.DataFrame:
    schema = dict.fromkeys(names, pl.String)
    if not block.strip():
        return pl.DataFrame(schema=schema)
    return pl.read_csv(
        io.BytesIO(block), separator=dialect.cut, quote_char=dialect.quote, has_header=False, schema=schema
    )


def _restored(rows: pl.DataFrame, dialect: Dialect) -> pl.DataFrame:
    """The rows with the separator where it stood within a field, and without the marks around a line."""
    if dialect.wrapped and rows.columns:
        first, last = rows.columns[0], rows.columns[-1]
        rows = rows.with_columns(pl.col(first).str.strip_prefix('"'))
        return rows.with_columns(pl.col(last).str.strip_suffix('"'))
    if len(dialect.separator) == 1 or dialect.quote is None:
        return rows
    return rows.with_columns(pl.all().str.replace_all(_UNIT, dialect.separator, literal=True))


def _holds_several_lines(rows: pl.DataFrame) -> bool:
    return bool(rows.select(pl.any_horizontal(pl.all().str.contains("\n", literal=True).any())).item())


def _numbered(label: str, rows: pl.DataFrame, first: int, holds_several: bool) -> TextTable:
    """Number the rows by lines (a quoted field may hold line ends) and leave blank ones out."""
    lines = pl.int_range(first, first + rows.height, eager=True)
    if holds_several:
        breaks = rows.select(pl.sum_horizontal(pl.all().str.count_matches("\n").fill_null(0))).to_series()
        lines += breaks.cast(pl.Int64).cum_sum().shift(1, fill_value=0)
    table = TextTable(label=label, rows=rows, lines=lines)
    if not rows.width or not rows.to_series(0).null_count():
        return table
    return table.filter(~rows.select(pl.all_horizontal(pl.all().is_null())).to_series())


def _explained(label: str, block: bytes, dialect: Dialect, width: int, start: int, error: BaseException) -> DataError:
    """The error with the line it is about."""
    short = ""
    for line, record in _records(label, block, dialect, start):
        if 0 < len(record) < width:
            short = short or f"{label}, line {line}: expected {width} fields, found {len(record)}"
        if len(record) > width:
            return DataError(f"{label}, line {line}: expected {width} fields, found {len(record)}")
    return DataError(short or f"{label}: cannot be read as a table ({first_line(error)}){dialect.hint}")


def _records(label: str, block: bytes, dialect: Dialect, start: int) -> Iterator[tuple[int, list[str]]]:
    """The records of a block, each with the line on which it starts, read once more, slowly.

    Raises DataError for the first in which a quotation mark closes a field that goes on, or closes none.
    """
    limit = csv.field_size_limit(_LONGEST)
    text = io.StringIO(block.decode("utf-8"), newline="\n")
    reader = csv.reader(
        (line.replace("\r", "") for line in text),
        delimiter=dialect.cut,
        quotechar=dialect.quote,
        quoting=_quoting(dialect),
        strict=True,
    )
    line = start
    try:
        for record in reader:
            yield line, record
            line = start + reader.line_num
    except csv.Error as wrong:
        raise DataError(
            f"{label}, line {line}: cannot be cut into fields ({first_line(wrong)}){dialect.hint}"
        ) from wrong
    finally:
        csv.field_size_limit(limit)


def _salvaged(file: SourceFile, block: bytes, dialect: Dialect, names: tuple[str, ...], start: int) -> TextTable:
    """The lines of a block that have the right number of fields; the others are refused."""
    rows: list[list[str]] = []
    lines: list[int] = []
    for line, text in enumerate(block.decode("utf-8").split("\n"), start):
        if not text.strip("\r"):
            continue
        fields = next(
            csv.reader([text.rstrip("\r")], delimiter=dialect.cut, quotechar=dialect.quote, quoting=_quoting(dialect))
        )
        if len(fields) == len(names):
            rows.append(fields)
            lines.append(line)
        elif file.refused is not None:
            reason = f"expected {len(names)} fields, found {len(fields)}"
            file.refused.add_line(file.label, f"line {line}", "", reason, json.dumps(fields))
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    return TextTable(label=file.label, rows=frame, lines=pl.Series(lines, dtype=pl.Int64))


def _quoting(dialect: Dialect) -> Literal[0, 3]:
    return csv.QUOTE_NONE if dialect.quote is None else csv.QUOTE_MINIMAL
