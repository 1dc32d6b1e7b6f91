"""JSON lines, or lines of Python literals, read as tables of strings, many rows at a time.

A field within another is named by its path (``book.id``). What is no text comes as JSON: ``5``, ``true``, ``["a"]``.
Some data sets are "loose JSON": each line is what Python prints of a dictionary (``{u'id': 'a', 'n': 1, 'ok': True}``).
"""

import ast
import io
import json
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from client.data.importers.source import SourceFile
from client.data.importers.text_table import TextTable
from client.data.tables import first_line
from shared.errors import DataError


def json_blocks(file: SourceFile, paths: Sequence[str], encoding: str = "utf-8") -> Iterator[TextTable]:
    """Read fields of JSON lines, many lines at a time; a field that a line lacks is null.

    Args:
        file: the lines; where it lists what it refuses, lines that are no object are left out.
        paths: of the fields; one within another as ``book.id``.
        encoding: of the file, unless the user says another one.

    Yields:
        tables with a column of texts for each path.

    Raises:
        DataError: if a line is no object and the file lists no refused rows; it names the line.
    """
    start = 1
    for block in file.blocks(encoding):
        content = block.removeprefix(b"\xef\xbb\xbf") if start == 1 else block
        table = _fast(file, content, paths, start) or _slow(file, content, paths, start)
        yield table if file.refused is None else file.refused.without(table)
        start += block.count(b"\n")


def json_fields(file: SourceFile, encoding: str = "utf-8") -> tuple[str, ...]:
    """The paths of the first line's fields, those within others too.

    Args:
        file: JSON lines.
        encoding: of the file, unless the user says another one.

    Returns:
        the paths, as ``json_blocks`` takes them.

    Raises:
        DataError: if the first line is no object.
    """
    (first,) = file.head(encoding)
    return tuple(_paths(_object(file, 1, first)))


def _paths(record: Mapping[str, object], before: str = "") -> Iterator[str]:
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _paths(value, f"{before}{name}.")
        else:
            yield before + name


def _fast(file: SourceFile, block: bytes, paths: Sequence[str], start: int) -> TextTable | None:
    """By polars; None where that does not take a line, or would number the lines otherwise."""
    try:
        whole = pl.read_ndjson(io.BytesIO(block), schema=_schema(paths))
        rows = whole.select(_field(path).alias(path) for path in paths)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    if rows.height != block.count(b"\n") + (not block.endswith(b"\n")):
        return None
    lines = pl.int_range(start, start + rows.height, eager=True)
    return TextTable(label=file.label, rows=rows, lines=lines, part="field")


def _schema(paths: Sequence[str]) -> dict[str, pl.DataType]:
    tree: dict[str, list[str]] = {}
    for path in paths:
        name, _, rest = path.partition(".")
        tree.setdefault(name, []).extend([rest] if rest else [])
    return {name: pl.Struct(_schema(inner)) if inner else pl.String() for name, inner in tree.items()}


def _field(path: str) -> pl.Expr:
    first, *inner = path.split(".")
    field = pl.col(first)
    for name in inner:
        field = field.struct.field(name)
    return field


def _slow(file: SourceFile, block: bytes, paths: Sequence[str], start: int) -> TextTable:
    """Line by line."""
    rows: list[list[str | None]] = []
    lines: list[int] = []
    for number, line in enumerate(block.decode("utf-8").split("\n"), start):
        if not line.strip():
            continue
        try:
            record = _object(file, number, line)
        except DataError as error:
            if file.refused is None:
                raise
            file.refused.add_line(file.label, f"line {number}", "", str(error).partition(f"line {number}: ")[2], line)
            continue
        rows.append([_as_text(_at(record, path)) for path in paths])
        lines.append(number)
    frame = pl.DataFrame(rows, schema=dict.fromkeys(paths, pl.String), orient="row")
    return TextTable(label=file.label, rows=frame, lines=pl.Series(lines, dtype=pl.Int64), part="field")


def _object(file: SourceFile, number: int, line: str) -> Mapping[str, object]:
    try:
        record = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        record = _literal(line)
        if record is None:
            raise DataError(f"{file.label}, line {number}: expected a JSON object ({first_line(error)})") from error
    if not isinstance(record, dict):
        raise DataError(f"{file.label}, line {number}: expected a JSON object, found a {type(record).__name__}")
    return record


def _literal(line: str) -> object:
    """What Python printed; None where it is no literal."""
    try:
        return ast.literal_eval(line.strip()) if "'" in line else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _at(record: Mapping[str, object], path: str) -> object:
    if path in record:
        return record[path]
    name, dot, rest = path.partition(".")
    inner = record.get(name)
    return _at(inner, rest) if dot and isinstance(inner, dict) else None


def _as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
