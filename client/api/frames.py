"""Tables that a caller hands over: polars, pandas, Arrow, or columns by name."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from shared.errors import DataError

_EXPECTED = "expected a data frame of polars, pandas or Arrow"


def as_frame(table: Any, name: str) -> pl.DataFrame:
    """The table as a polars frame; an index of pandas that has a name is a column, another one is left out.

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
    if not (isinstance(table, Mapping) or hasattr(table, "__arrow_c_stream__") or hasattr(table, "__dataframe__")):
        raise DataError(f"{name}: {_EXPECTED}, found {type(table).__name__}")
    try:
        frame = pl.DataFrame(_with_index(table))
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{name}: {_EXPECTED}, found one that cannot be read ({error})") from None
    if not frame.columns:
        raise DataError(f"{name}: expected a data frame with columns, found none")
    return frame


def _with_index(table: Any) -> Any:
    """A frame of pandas whose named index stands among its columns; another table as it is."""
    names = getattr(getattr(table, "index", None), "names", ())
    named = [name for name in names if name is not None and name not in table.columns]
    return table.reset_index(level=named) if named else table
