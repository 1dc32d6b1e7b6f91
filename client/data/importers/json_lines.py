"""Reading gzipped or plain JSON lines one at a time, so that a file of any size fits into memory as columns."""

import json
from collections.abc import Callable, Mapping

import polars as pl

from client.data.importers.source import SourceFile
from shared.errors import DataError

_BATCH = 100_000


def read_json_lines(
    file: SourceFile,
    row: Callable[[Mapping[str, object]], tuple[object, ...]],
    schema: Mapping[str, type[pl.DataType]],
) -> pl.DataFrame:
    """One row per line, made by ``row``, which raises ValueError with a sentence where a field is wrong.

    Raises DataError with the line where it is not a JSON object or a field is wrong. Blank lines are left out.
    """
    batches = [pl.DataFrame(schema=schema)]
    rows: list[tuple[object, ...]] = []
    for number, line in file.lines():
        if line.strip():
            rows.append(_row(file.label, number, line, row))
        if len(rows) == _BATCH:
            batches.append(pl.DataFrame(rows, schema=schema, orient="row"))
            rows = []
    batches.append(pl.DataFrame(rows, schema=schema, orient="row"))
    return pl.concat(batches)


def _row(
    label: str, number: int, line: bytes, row: Callable[[Mapping[str, object]], tuple[object, ...]]
) -> tuple[object, ...]:
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DataError(f"{label}, line {number}: expected UTF-8 text") from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"{label}, line {number}: expected a JSON object ({error})") from error
    if not isinstance(record, dict):
        raise DataError(f"{label}, line {number}: expected a JSON object, found a {type(record).__name__}")
    try:
        return row(record)
    except ValueError as error:
        raise DataError(f"{label}, line {number}: {error}") from error


def text_field(record: Mapping[str, object], name: str) -> str:
    """A string field that has to hold something."""
    value = record.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"field {name}: expected a text, found {_kind(value)}")
    return value.strip()


def number_field(record: Mapping[str, object], name: str) -> float:
    """A number field that has to be there."""
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"field {name}: expected a number, found {_kind(value)}")  # noqa: TRY004
    return value


def whole_field(record: Mapping[str, object], name: str) -> int:
    """A whole number field, not negative, that has to be there."""
    value = number_field(record, name)
    if not 0 <= value < 2**62 or value != int(value):
        raise ValueError(f"field {name}: expected a whole number that is not negative")
    return int(value)


def _kind(value: object) -> str:
    return "nothing" if value is None or value == "" else f"a {type(value).__name__}"
