"""When items were published, where their table says so: read by the rules of all times (client/data/times.py)."""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from client.data.tables import Where, timestamps
from client.data.times import TimeColumn, read_times
from shared.errors import DataError

PUBLISHED = "published"
"""Optional column of items: a time; null where nobody knows."""
_WAYS = "write them as dates or times"


def published(path: Where, items: pl.DataFrame) -> pl.Series:
    """When items were published, by the column that says so.

    Args:
        path: what errors call the table.
        items: table of items, with ``published``.

    Returns:
        Float64, seconds since 1970, null where it is not known.

    Raises:
        DataError: if a row is no time; it names the first one.
    """
    return in_seconds(timestamps(path, items, PUBLISHED), lambda row: f"{path}: column {PUBLISHED}, row {row}", _WAYS)


def in_seconds(values: pl.Series, row: Callable[[int], str], ways: str) -> pl.Series:
    """Times of publication in seconds, of a column as its source holds it.

    Args:
        values: Int64, Float64, or dates and times.
        row: what errors call a row, by its number from 0.
        ways: how to say what its numbers mean, for errors.

    Returns:
        Float64, seconds since 1970, null where it is not known.

    Raises:
        DataError: if a row is no time; it names the first one.
    """
    seconds = read_times(TimeColumn(values=values, users=None, row=row, ways=ways), None).values.cast(pl.Float64)
    seconds = seconds.fill_nan(None)
    endless = seconds.is_infinite().fill_null(value=False)
    if endless.any():
        raise DataError(f"{row(endless.arg_max() or 0)}: expected a time, found an infinite number")
    return seconds.alias(PUBLISHED)


def published_times(items: pl.DataFrame) -> NDArray[np.float64] | None:
    """When items were published.

    Args:
        items: table of items, as it was read.

    Returns:
        [items] seconds since 1970, NaN where it is not known; None where the table has no such column.
    """
    return items[PUBLISHED].fill_null(np.nan).to_numpy() if PUBLISHED in items.columns else None
