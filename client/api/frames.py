"""Tables that a caller hands over: polars, pandas, Arrow, or columns by name."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from shared.errors import DataError

_EXPECTED = "expected a data frame of polars, pandas or Arrow"


def as_frame(table: Any, name: str, needed: Sequence[str] = ()) -> pl.DataFrame:
    """The table as a polars frame; an index of pandas is no column and is left out.

    Args:
        table: a frame of polars or pandas, an Arrow table, or a mapping of column names to values.
        name: what errors call it.
        needed: columns that are looked for in the index of pandas, where the table lacks them.

    Returns:
        The same rows and columns.

    Raises:
        DataError: if it is no table, a column holds values of several kinds, or a needed one is the index.
    """
    if isinstance(table, pl.LazyFrame):
        return table.collect()
    if not (isinstance(table, Mapping) or hasattr(table, "__arrow_c_stream__") or hasattr(table, "__dataframe__")):
        raise DataError(f"{name}: {_EXPECTED}, found {type(table).__name__}")
    try:
        frame = pl.DataFrame(table)
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{name}: {_EXPECTED}, found one that cannot be read ({error})") from None
    if not frame.columns:
        raise DataError(f"{name}: expected a data frame with columns, found none")
    index = getattr(getattr(table, "index", None), "names", ())
    inside = [column for column in needed if column not in frame.columns and column in index]
    if inside:
        raise DataError(f"{name}: expected the column {inside[0]}, found it as the index (reset_index() helps)")
    return frame
