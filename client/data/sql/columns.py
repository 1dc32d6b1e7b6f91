"""A column's values, as a driver gives them, as a series of the data contract; no message quotes a value."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import polars as pl

from shared.errors import DataError

Values = Sequence[Any]
MOST = 2**63


def ids(values: Values, where: str) -> pl.Series:
    """Int64 or String; without a single value Null."""
    kinds = _kinds(values)
    if not kinds:
        return pl.Series(values, dtype=pl.Null)
    if kinds <= {str, UUID}:
        return pl.Series([None if one is None else str(one) for one in values], dtype=pl.String)
    whole = [one for one in values if type(one) in (int, Decimal)]
    if kinds <= {int, Decimal} and all(one == int(one) and -MOST <= one < MOST for one in whole):
        return pl.Series([None if one is None else int(one) for one in values], dtype=pl.Int64)
    raise _wrong(where, "integers of 64 bits or strings", kinds)


def seconds(values: Values, where: str) -> pl.Series:
    """Unix seconds: numbers as they are, times and ISO 8601 texts as Int64, those without a zone as UTC."""
    kinds = _kinds(values)
    if kinds <= {datetime, date} or kinds <= {str}:
        try:
            return pl.Series([None if one is None else _epoch(one) for one in values], dtype=pl.Int64)
        except ValueError:
            raise DataError(f"{where}: expected numbers, times or texts in ISO 8601") from None
    return _numbers(values, where, kinds, "numbers or times")


def ratings(values: Values, where: str) -> pl.Series:
    """Float32."""
    return _numbers(values, where, _kinds(values), "numbers").cast(pl.Float32)


def texts(values: Values, where: str) -> pl.Series:
    """String."""
    kinds = _kinds(values)
    if not kinds <= {str}:
        raise _wrong(where, "strings", kinds)
    return pl.Series(values, dtype=pl.String)


def vectors(values: Values, where: str) -> pl.Series:
    """Lists of Float64, from arrays or from JSON, which is how pgvector writes."""
    try:
        lists = [json.loads(one) if isinstance(one, str) else one for one in values]
        return pl.Series(lists, dtype=pl.List(pl.Float64))
    except (ValueError, TypeError, pl.exceptions.PolarsError):
        raise _wrong(where, "lists of numbers", _kinds(values)) from None


Reader = Callable[[Values, str], pl.Series]


def _numbers(values: Values, where: str, kinds: set[type], expected: str) -> pl.Series:
    if not kinds <= {int, float, Decimal}:
        raise _wrong(where, expected, kinds)
    if kinds <= {int} and all(-MOST <= one < MOST for one in values if one is not None):
        return pl.Series(values, dtype=pl.Int64)
    return pl.Series([None if one is None else float(one) for one in values], dtype=pl.Float64)


def _epoch(value: str | date) -> int:
    time = datetime.fromisoformat(value) if isinstance(value, str) else value
    moment = time if isinstance(time, datetime) else datetime(time.year, time.month, time.day, tzinfo=UTC)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() // 1)


def _kinds(values: Values) -> set[type]:
    return {type(one) for one in values if one is not None}


def _wrong(where: str, expected: str, kinds: set[type]) -> DataError:
    return DataError(f"{where}: expected {expected}, found {' and '.join(sorted(kind.__name__ for kind in kinds))}")
