"""Parquet files, or folders of their parts, read as tables of strings, many rows at a time.

Spark, dask and hive write a folder of parts; ``year=2024/`` in a part's place is a column ``year`` of its rows.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from client.data.ids import EXACT, is_exact
from client.data.importers.source import SourceFile
from client.data.importers.text_table import TextTable
from client.data.importers.typed_table import as_text_table
from client.data.tables import first_line, native_stderr_silenced
from shared.errors import DataError

ROWS = 1 << 20
"""Rows that are read at once."""
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""How hive writes null in a place."""
_INDEX = re.compile(r"__null_dask_index__|__index_level_\d+__")
"""What dask and pandas call an index without a name: numbers of rows, that nobody wants to read."""


def parquet_blocks(
    file: SourceFile, scratch: Path, ids: Collection[str], columns: Collection[str] | None = None
) -> Iterator[TextTable]:
    """Read a Parquet file as texts, many rows at a time; rows count from 0.

    Args:
        file: the file, or one part in a folder of parts.
        scratch: folder for what has to be unpacked.
        ids: columns of ids, none of which may merge two of them; such a one may be an index without a name.
        columns: that are wanted; None for all.

    Yields:
        tables of strings, with the columns that the file's place names.

    Raises:
        DataError: if the file cannot be read as Parquet, or the type of one of the ``ids`` merges ids.
    """
    path, place = file.unpack(scratch), _of_place(file)
    scan = pl.scan_parquet(path, glob=False, hive_partitioning=False)
    schema = pl.Schema(_collected(file, lambda: scan.head(0)).schema)
    height = int(_collected(file, lambda: scan.select(pl.len())).item())
    schema = pl.Schema({name: kind for name, kind in schema.items() if name in ids or not _INDEX.fullmatch(name)})
    chosen = [name for name in schema.names() if columns is None or name in columns]
    further = [
        pl.lit(value, pl.String).alias(name) for name, value in place.items() if columns is None or name in columns
    ]
    for start in range(0, max(height, 1), ROWS):
        part = _collected(file, partial(scan.select(chosen).slice, start, ROWS))
        table = _as_texts(file, part, schema, start, ids)
        yield replace(table, rows=table.rows.with_columns(further))


def _collected(file: SourceFile, query: Callable[[], pl.LazyFrame]) -> pl.DataFrame:
    try:
        with native_stderr_silenced():
            return query().collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(f"{file.label}: cannot be read as Parquet ({first_line(error)})") from error


def _of_place(file: SourceFile) -> dict[str, str | None]:
    """The columns that the folders of a file's path name."""
    root_name = () if file.root is None or file.root == file.path else (file.root.name,)
    parts = (*root_name, *file.folders)
    named = dict(part.split("=", 1) for part in parts if part.count("=") == 1)
    return {name: None if value == _NO_VALUE else unquote(value) for name, value in named.items()}


def _as_texts(file: SourceFile, part: pl.DataFrame, schema: pl.Schema, start: int, ids: Collection[str]) -> TextTable:
    for name in part.columns:
        if name in ids and part.schema[name] in EXACT:
            _refuse_merged(file, part[name], start)
    table = as_text_table(file.label, part, start, schema)
    return table if file.refused is None else file.refused.without(table)


def _refuse_merged(file: SourceFile, ids: pl.Series, start: int) -> None:
    """Raise DataError for the first float that may stand for several ids."""
    wrong = ~is_exact(ids).fill_null(value=True)
    if wrong.any():
        raise DataError(
            f"{file.label}, row {start + (wrong.arg_max() or 0)}: column {ids.name}: expected a whole number that "
            f"{ids.dtype} tells from the next, found another one (write ids as integers or texts)"
        )
