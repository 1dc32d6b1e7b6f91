"""Tables that a caller hands over: polars, pandas, Arrow, or columns by name."""

from typing import Any

import polars as pl

from shared.errors import DataError


def as_frame(table: Any, name: str) -> pl.DataFrame:
    """The table as a polars frame; an index of pandas is no column and is left out.

    Args:
        table: a frame of polars or pandas, an Arrow table, or a mapping of column names to values.
        name: what errors call it.

    Returns:
        The same rows and columns.

    Raises:
        DataError: if it is no table, or a column holds values of several kinds.
    """
    if isinstance(table, pl.LazyFrame):
        return table.collect()
    try:
        frame = pl.DataFrame(table)
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"{name}: expected a data frame of polars, pandas or Arrow, found {type(table).__name__} ({error})"
        ) from None
    if not frame.columns:
        raise DataError(f"{name}: expected a data frame with columns, found none")
    return frame
