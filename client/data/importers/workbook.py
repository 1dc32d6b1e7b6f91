"""The sheets of a workbook (.xlsx) as tables of strings: a zip of XML, ECMA-376 part 1, SpreadsheetML.

Only what tables need: strings that cells share or hold, and numbers; a date is the number of days since 1899-12-30.
"""

import io
import zipfile
from collections.abc import Iterator
from typing import IO
from xml.etree import ElementTree as ET  # expat holds entities that grow without end

import polars as pl

from client.data.importers.source import SourceFile
from client.data.importers.text_table import TextTable
from client.data.tables import first_line
from shared.errors import DataError

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_FIRST_DAY = -25_569
"""1899-12-30, from which workbooks count days, in days since 1970."""
_SECONDS_A_DAY = 86_400


def read_sheets(file: SourceFile) -> Iterator[TextTable]:
    """Each sheet whose first row names columns; its rows are numbered from 1 as a spreadsheet does.

    Raises DataError where the file is no workbook.
    """
    with file.open() as stream:
        content = stream.read()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            shared = _shared_strings(book)
            names = sorted(name for name in book.namelist() if name.startswith("xl/worksheets/sheet"))
            for name in names:
                with book.open(name) as sheet:
                    table = _table(f"{file.label}:{name.rpartition('/')[2]}", sheet, shared)
                if table is not None:
                    yield table if file.refused is None else file.refused.without(table)
    except (zipfile.BadZipFile, ET.ParseError, KeyError, ValueError, IndexError) as error:
        raise DataError(f"{file.label}: cannot be read as a workbook ({first_line(error)})") from error


def as_times(days: pl.Series) -> pl.Series:
    """Texts of days since 1899-12-30 as texts in ISO 8601, to the second; others as they are."""
    numbers = pl.col("days").cast(pl.Float64, strict=False)
    seconds = ((numbers + _FIRST_DAY) * _SECONDS_A_DAY).round().cast(pl.Int64, strict=False)
    written = pl.from_epoch(seconds, time_unit="s").dt.strftime("%Y-%m-%d %H:%M:%S")
    return days.rename("days").to_frame().select(pl.coalesce(written, "days").alias(days.name)).to_series()


def _shared_strings(book: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in book.namelist():
        return []
    with book.open("xl/sharedStrings.xml") as stream:
        return ["".join(part.text or "" for part in item.iter(f"{_MAIN}t")) for item in _elements(stream, f"{_MAIN}si")]


def _elements(stream: IO[bytes], tag: str) -> Iterator[ET.Element]:
    """Every such element once it is whole; it is emptied afterwards."""
    for _, element in ET.iterparse(stream):  # noqa: S314
        if element.tag == tag:
            yield element
            element.clear()


def _table(label: str, sheet: IO[bytes], shared: list[str]) -> TextTable | None:
    header: dict[int, str] = {}
    rows: list[list[str | None]] = []
    lines: list[int] = []
    for place, row in enumerate(_elements(sheet, f"{_MAIN}row"), 1):
        cells = dict(_cells(row, shared))
        if not header:
            header = {column: text.strip() for column, text in cells.items() if text.strip()}
        elif cells:
            rows.append([cells.get(column) for column in header])
            lines.append(int(row.get("r", place)))
    if not header:
        return None
    frame = pl.DataFrame(rows, schema=dict.fromkeys(header.values(), pl.String), orient="row")
    return TextTable(label=label, rows=frame, lines=pl.Series(lines, dtype=pl.Int64), unit="row")


def _cells(row: ET.Element, shared: list[str]) -> Iterator[tuple[int, str]]:
    """Column, counted from 0, and text of each cell that holds something."""
    for place, cell in enumerate(row.iter(f"{_MAIN}c")):
        kind, value = cell.get("t"), cell.findtext(f"{_MAIN}v")
        if kind == "inlineStr":
            value = "".join(part.text or "" for part in cell.iter(f"{_MAIN}t"))
        elif kind == "s" and value is not None:
            value = shared[int(value)]
        if value is not None and kind != "e":
            yield _column(cell.get("r")) if cell.get("r") else place, value


def _column(reference: str | None) -> int:
    """``AB7`` -> 27."""
    number = 0
    for letter in (reference or "").rstrip("0123456789"):
        number = number * 26 + ord(letter.upper()) - ord("A") + 1
    return number - 1
