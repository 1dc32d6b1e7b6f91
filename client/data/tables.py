"""Tables of a platform folder: a file is read, and its columns are brought to the types of the data contract.

A broken file ends in one sentence. A DataError names the table, the column, what was expected and what was found.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from client.data.ids import EXACT, is_exact, read_ids
from client.data.missing import present_texts
from shared.errors import DataError

_STDERR = 2
_redirecting = threading.Lock()


@contextmanager
def native_stderr_silenced() -> Iterator[None]:
    """Hide what polars' native code prints when it panics on a damaged file."""
    with _redirecting:
        try:
            stderr_copy = os.dup(_STDERR)
        except OSError:  # the process has no stderr: nothing to hide
            yield
            return
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, _STDERR)
        try:
            yield
        finally:
            os.dup2(stderr_copy, _STDERR)
            os.close(sink)
            os.close(stderr_copy)


def read_parquet(path: Path) -> pl.DataFrame:
    """The whole table; raises DataError where the file is missing or cannot be read as Parquet."""
    if not path.is_file():
        raise DataError(f"{path}: expected a Parquet file, found {'a folder' if path.is_dir() else 'nothing'}")
    try:
        with native_stderr_silenced():
            return pl.read_parquet(path, glob=False, hive_partitioning=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(f"{path}: cannot be read as Parquet ({first_line(error)})") from error


def read_vectors(path: Path, rows: int) -> NDArray[np.float32]:
    """Read vectors from a ``.npy`` file.

    Args:
        path: the file.
        rows: vectors that it must hold.

    Returns:
        [rows, D] float32.

    Raises:
        DataError: if it is not exactly that.
    """
    try:
        vectors = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError, SyntaxError, MemoryError) as error:
        raise DataError(f"{path}: cannot be read as a NumPy array ({first_line(error)})") from error
    if not isinstance(vectors, np.ndarray) or vectors.dtype.kind not in "fiu":
        raise DataError(f"{path}: expected an array of real numbers, found {describe_array(vectors)}")
    if vectors.ndim != 2 or vectors.shape[0] != rows or vectors.shape[1] == 0:
        described = describe_array(vectors)
        raise DataError(f"{path}: expected one vector for each of the {rows} items, found {described}")
    return vectors.astype(np.float32)


def describe_array(value: object) -> str:
    """The shape and type of an array in words."""
    if isinstance(value, np.ndarray):
        return f"shape {list(value.shape)} of {value.dtype}"
    return "an archive of several arrays"


def first_line(error: BaseException) -> str:
    """The first line of an error's text, or its kind where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


def counted(items: pl.DataFrame, events: pl.DataFrame, impressions: pl.DataFrame | None) -> str:
    """How large a platform is, in words.

    Args:
        items: its table of items.
        events: its table of events.
        impressions: its table of impressions, or None.

    Returns:
        its users, items, events and impressions with their numbers.
    """
    users = events["user_id"].n_unique()
    shown = "" if impressions is None else f", {impressions.height:,} impressions"
    return f"{users:,} users, {items.height:,} items, {events.height:,} events{shown}"


Where = Path | str
"""A file, or whatever else a table came from, as errors name it."""


def vector_column(path: Where, column: pl.Series) -> NDArray[np.float32]:
    """Vectors of a list or array column.

    Args:
        path: what errors call the table.
        column: lists of numbers, one for each item.

    Returns:
        [items, D] float32; NaN where a number is null.

    Raises:
        DataError: if they are no lists of numbers, or not of one length.
    """
    kind = column.dtype
    inner = kind.inner if isinstance(kind, pl.List | pl.Array) else None
    if not isinstance(inner, pl.DataType) or not inner.is_numeric():
        raise DataError(f"{path}: column {column.name}: expected lists of numbers, found {kind}")
    lists = column.cast(pl.List(pl.Float32))
    lengths = lists.list.len()
    width = int(lengths.fill_null(0).to_numpy().max(initial=0))
    odd = (lengths.fill_null(0) != width).arg_true()
    if width == 0 or odd.len():
        row = int(odd[0]) if odd.len() else 0
        length = lengths[row] if column.len() else "no items"
        raise DataError(f"{path}: column {column.name}, row {row}: expected vectors of one length, found {length}")
    flat = lists.explode().fill_null(float("nan"))
    return flat.to_numpy().reshape(column.len(), width)


def require_columns(path: Where, table: pl.DataFrame, names: tuple[str, ...]) -> None:
    """Require columns of a table.

    Args:
        path: what errors call the table.
        table: any.
        names: columns that must be there.

    Raises:
        DataError: if a column is missing.
    """
    missing = [name for name in names if name not in table.columns]
    if missing:
        columns = ", ".join(table.columns[:20]) or "no columns"
        raise DataError(f"{path}: expected the column {', '.join(missing)}, found {columns}")


def ids(path: Where, table: pl.DataFrame, name: str) -> pl.Series:
    """Read a column of ids.

    Args:
        path: what errors call the table.
        table: holds the column.
        name: of the column.

    Returns:
        Int64 or String, null where an id is missing.

    Raises:
        DataError: if the column is of another type.
    """
    return _ids(path, table, name, "integers or strings")


def id_lists(path: Where, table: pl.DataFrame, name: str) -> pl.Series:
    """Read a column of lists of ids.

    Args:
        path: what errors call the table.
        table: holds the column.
        name: of the column.

    Returns:
        lists of Int64 or String.

    Raises:
        DataError: if the column is of another type.
    """
    expected = "lists of integers or strings"
    if not isinstance(table.schema[name], pl.List):
        raise wrong_type(path, table, name, expected)
    return _ids(path, table, name, expected)


def _ids(path: Where, table: pl.DataFrame, name: str, expected: str) -> pl.Series:
    try:
        values = read_ids(table[name])
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: column {name}: a value does not fit into 64 bits") from error
    if values is None and table.schema[name] in EXACT:
        wrong = ~is_exact(table[name]).fill_null(value=True)
        raise DataError(
            f"{path}: column {name}: expected whole numbers or strings, found in row {wrong.arg_max()} a number with a "
            "fraction, or one too large to be told from the next"
        )
    if values is None:
        raise wrong_type(path, table, name, expected)
    return values


def texts(path: Where, table: pl.DataFrame, name: str) -> pl.Series:
    """Read a column of texts.

    Args:
        path: what errors call the table.
        table: holds the column.
        name: of the column.

    Returns:
        String, empty where a word for a missing value stands; null stays null.

    Raises:
        DataError: if the column is of another type.
    """
    if not isinstance(table.schema[name], pl.String | pl.Categorical | pl.Enum | pl.Null):
        raise wrong_type(path, table, name, "strings")
    return present_texts(table[name].cast(pl.String))


def timestamps(path: Where, table: pl.DataFrame, name: str = "timestamp") -> pl.Series:
    """Read a column of timestamps; ``client/data/times.py`` says what they mean.

    Args:
        path: what errors call the table.
        table: holds the column.
        name: of the column.

    Returns:
        dates and times, Int64 or Float64.

    Raises:
        DataError: if the column is of another type.
    """
    column = table[name]
    if column.dtype.is_temporal() and column.dtype not in (pl.Time, pl.Duration):
        return column
    if column.dtype == pl.Null:
        return column.cast(pl.Int64)
    if not column.dtype.is_numeric():
        raise wrong_type(path, table, name, "numbers or times")
    return _cast(path, column, pl.Int64() if column.dtype.is_integer() else pl.Float64())


def ratings(path: Where, table: pl.DataFrame) -> pl.Series:
    """Read the column of ratings.

    Args:
        path: what errors call the table.
        table: of events; its rating may be missing.

    Returns:
        Float32: true is 1, false is 0; 1 where there is no such column.

    Raises:
        DataError: if the column is of another type.
    """
    if "rating" not in table.columns:
        return pl.Series("rating", [1.0], dtype=pl.Float32).new_from_index(0, table.height)
    if not (table.schema["rating"].is_numeric() or table.schema["rating"] == pl.Boolean):
        raise wrong_type(path, table, "rating", "numbers")
    return table["rating"].cast(pl.Float32)


TIME_KNOWN = "time_known"


def times_known(path: Where, table: pl.DataFrame) -> pl.Series:
    """Read whether a timestamp is a time, and not a place in an order alone.

    Args:
        path: what errors call the table.
        table: of events; the column may be missing.

    Returns:
        Boolean; true where there is no such column, false where a value is null.

    Raises:
        DataError: if the column is of another type.
    """
    if TIME_KNOWN not in table.columns:
        return pl.Series(TIME_KNOWN, [True]).new_from_index(0, table.height)
    if table.schema[TIME_KNOWN] != pl.Boolean:
        raise wrong_type(path, table, TIME_KNOWN, "true or false")
    return table[TIME_KNOWN].fill_null(value=False)


def _cast(path: Where, column: pl.Series, target: pl.DataType) -> pl.Series:
    try:
        return column.cast(target)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: column {column.name}: a value does not fit into {target}") from error


def wrong_type(path: Where, table: pl.DataFrame, name: str, expected: str) -> DataError:
    """The error for a column of another type than expected.

    Args:
        path: what errors call the table.
        table: holds the column.
        name: of the column.
        expected: in words.

    Returns:
        the error; it names what was found too.
    """
    return DataError(f"{path}: column {name}: expected {expected}, found {table.schema[name]}")
