"""Rows with types (of a Parquet file, of a data frame) as the table of strings that an import reads."""

import polars as pl

from client.data.importers.text_table import TextTable

_NO_TEXT = (pl.Binary, pl.Duration, pl.Object)


def as_text_table(label: str, part: pl.DataFrame, start: int = 0, schema: pl.Schema | None = None) -> TextTable:
    """Bring rows to strings.

    Args:
        label: how errors name the table.
        part: the rows, with all columns or some.
        start: the number of the first row, from 0.
        schema: of all columns of the table; None: those of ``part``.

    Returns:
        a table whose columns are strings; what has no text is named in ``without_text``.
    """
    schema = part.schema if schema is None else schema
    texts = {name: text for name, kind in schema.items() if (text := _as_text(name, kind)) is not None}
    rows = part.select(**{name: text for name, text in texts.items() if name in part.columns})
    without_text = {name: str(kind) for name, kind in schema.items() if name not in rows.columns}
    lines = pl.int_range(start, start + part.height, eager=True)
    return TextTable(label=label, rows=rows, lines=lines, unit="row", without_text=without_text)


def _as_text(name: str, kind: pl.DataType) -> pl.Expr | None:
    """Times in ISO 8601, with their zone where they have one, lists of texts with commas; None for what has none."""
    if isinstance(kind, pl.Datetime):
        return pl.col(name).dt.to_string("iso")
    if isinstance(kind, pl.List) and kind.inner in (pl.String, pl.Categorical, pl.Enum):
        return pl.col(name).cast(pl.List(pl.String)).list.join(", ")
    return None if kind.is_nested() or kind in _NO_TEXT else pl.col(name).cast(pl.String)
