"""The data contract: what a platform folder holds, and reading it into memory.

A platform folder:

- ``items.parquet``: item_id (integer or string, unique), text, optional category and further columns,
  optionally ``vector`` (a list column of one length); or a file ``item_vectors.npy`` [items, D] in row order.
- ``events.parquet``: user_id, item_id, timestamp (seconds, or a position where order is all that is known),
  optional rating.
- ``impressions.parquet`` (optional): user_id, timestamp, history, candidates, labels.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from client.data.tables import read_parquet, read_vectors
from client.data.violations import Violations, find_violations
from shared.errors import DataError

ITEMS = "items.parquet"
EVENTS = "events.parquet"
IMPRESSIONS = "impressions.parquet"
VECTORS = "item_vectors.npy"


@dataclass(frozen=True, kw_only=True)
class PlatformFolder:
    """A platform folder as read, nothing filtered yet."""

    path: Path
    items: pl.DataFrame
    """item_id, text (never null), and whatever further columns the folder has; row order as in the file."""
    events: pl.DataFrame
    """user_id, item_id, timestamp, rating (1.0 where the folder has none), and whatever further columns."""
    impressions: pl.DataFrame | None
    """user_id, timestamp, history, candidates, labels; None where the folder has no such file."""
    vectors: NDArray[np.float32] | None
    """[items, D] in the order of ``items``, or None."""


def read_folder(path: Path) -> PlatformFolder:
    """Read a platform folder and refuse what would make its numbers wrong.

    Ids come out as Int64 or String, the same type in every table; timestamps as Int64 or Float64; ratings as
    Float32. Empty text and events out of order are let through (``graft-client check`` reports them): text
    may be poor, and preparation sorts.

    Raises DataError with the file, the column and the first row where a file is missing or unreadable, a
    column is missing or of the wrong type, an id is null or unknown, an item id appears twice, a timestamp,
    rating or vector is not finite, or an impression's candidates and labels do not belong together.
    """
    folder = read_unchecked(path)
    for violations in find_violations(
        items=folder.items,
        events=folder.events,
        impressions=folder.impressions,
        vectors=folder.vectors,
        vectors_file=vectors_file(path),
        limit=1,
    ):
        if violations.fatal:
            raise DataError(_sentence(path, violations))
    return folder


def read_unchecked(path: Path) -> PlatformFolder:
    """Read a platform folder, its columns present and of the right types, no row looked at.

    Raises DataError where a file is missing or unreadable or a column is missing or of the wrong type.
    """
    require_folder(path)
    items = read_items(path / ITEMS)
    events = read_events(path / EVENTS)
    impressions = read_impressions(path / IMPRESSIONS) if (path / IMPRESSIONS).exists() else None
    require_same_id_types(path, items, events, impressions)
    items, vectors = read_item_vectors(path, items)
    return PlatformFolder(path=path, items=items, events=events, impressions=impressions, vectors=vectors)


def require_folder(path: Path) -> None:
    """Raise DataError unless there is a folder."""
    if not path.is_dir():
        raise DataError(f"{path}: expected a platform folder, found {'a file' if path.exists() else 'nothing'}")


def vectors_file(path: Path) -> str:
    """The file in which a folder's item vectors are, if it has any."""
    return VECTORS if (path / VECTORS).exists() else ITEMS


def read_items(path: Path) -> pl.DataFrame:
    """The table items.parquet, text filled with empty strings; a vector column is still in it."""
    items = read_parquet(path)
    _require(path, items, ("item_id", "text"))
    texts = [_texts(path, items, name) for name in ("text", "category") if name in items.columns]
    return items.with_columns(_ids(path, items, "item_id"), *texts).with_columns(pl.col("text").fill_null(""))


def read_events(path: Path) -> pl.DataFrame:
    """The table events.parquet, with a rating of 1 where it has none."""
    events = read_parquet(path)
    _require(path, events, ("user_id", "item_id", "timestamp"))
    ids = [_ids(path, events, name) for name in ("user_id", "item_id")]
    return events.with_columns(*ids, _seconds(path, events), _ratings(path, events))


def read_impressions(path: Path) -> pl.DataFrame:
    """The table impressions.parquet."""
    impressions = read_parquet(path)
    _require(path, impressions, ("user_id", "timestamp", "history", "candidates", "labels"))
    lists = [_id_lists(path, impressions, name) for name in ("history", "candidates")]
    labels = impressions.schema["labels"]
    inner = labels.inner if isinstance(labels, pl.List) else None
    if inner is None or not (inner.is_numeric() or inner == pl.Boolean):
        raise _wrong_type(path, impressions, "labels", "lists of 0 and 1")
    return impressions.with_columns(
        _ids(path, impressions, "user_id"),
        _seconds(path, impressions),
        *lists,
        impressions["labels"].cast(pl.List(pl.Float32)),
    )


def read_item_vectors(path: Path, items: pl.DataFrame) -> tuple[pl.DataFrame, NDArray[np.float32] | None]:
    """The items without their list column, and the vectors from wherever they are."""
    named = [name for name in ("vector", "vectors") if name in items.columns]
    file = path / VECTORS
    if len(named) + file.exists() > 1:
        raise DataError(f"{path}: item vectors are given twice, as {' and '.join([*named, VECTORS][-2:])}")
    if file.exists():
        return items, read_vectors(file, items.height)
    if not named:
        return items, None
    return items.drop(named), _vector_column(path / ITEMS, items[named[0]])


def _vector_column(path: Path, column: pl.Series) -> NDArray[np.float32]:
    """[items, D] from a list or array column."""
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
        found = lengths[row] if column.len() else "no items"
        raise DataError(f"{path}: column {column.name}, row {row}: expected vectors of one length, found {found}")
    flat = lists.explode().fill_null(float("nan"))
    return flat.to_numpy().reshape(column.len(), width)


def _require(path: Path, table: pl.DataFrame, names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in table.columns]
    if missing:
        found = ", ".join(table.columns[:20]) or "no columns"
        raise DataError(f"{path}: expected the column {', '.join(missing)}, found {found}")


def _ids(path: Path, table: pl.DataFrame, name: str) -> pl.Series:
    target = _id_type(table.schema[name])
    if target is None:
        raise _wrong_type(path, table, name, "integers or strings")
    return _cast(path, table[name], target)


def _id_lists(path: Path, table: pl.DataFrame, name: str) -> pl.Series:
    kind = table.schema[name]
    inner = kind.inner if isinstance(kind, pl.List) else None
    # a column of nothing but empty lists may have no inner type of its own
    target = pl.Int64() if isinstance(inner, pl.Null) else _id_type(inner)
    if target is None:
        raise _wrong_type(path, table, name, "lists of integers or strings")
    return _cast(path, table[name], pl.List(target))


def _id_type(kind: object) -> pl.DataType | None:
    if isinstance(kind, pl.DataType) and kind.is_integer():
        return pl.Int64()
    return pl.String() if isinstance(kind, pl.String | pl.Categorical | pl.Enum) else None


def _texts(path: Path, table: pl.DataFrame, name: str) -> pl.Series:
    if not isinstance(table.schema[name], pl.String | pl.Categorical | pl.Enum | pl.Null):
        raise _wrong_type(path, table, name, "strings")
    return table[name].cast(pl.String)


def _seconds(path: Path, table: pl.DataFrame) -> pl.Series:
    """Timestamps as Int64 or Float64; dates and times become Unix seconds."""
    column = table["timestamp"]
    if column.dtype.is_temporal() and column.dtype not in (pl.Time, pl.Duration):
        return column.cast(pl.Datetime("us")).dt.epoch("s")
    if not column.dtype.is_numeric():
        raise _wrong_type(path, table, "timestamp", "numbers or times")
    return _cast(path, column, pl.Int64() if column.dtype.is_integer() else pl.Float64())


def _ratings(path: Path, table: pl.DataFrame) -> pl.Series:
    if "rating" not in table.columns:
        return pl.Series("rating", [1.0], dtype=pl.Float32).new_from_index(0, table.height)
    if not table.schema["rating"].is_numeric():
        raise _wrong_type(path, table, "rating", "numbers")
    return table["rating"].cast(pl.Float32)


def _cast(path: Path, column: pl.Series, target: pl.DataType) -> pl.Series:
    try:
        return column.cast(target)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: column {column.name}: a value does not fit into {target}") from error


def require_same_id_types(
    path: Path, items: pl.DataFrame, events: pl.DataFrame, impressions: pl.DataFrame | None
) -> None:
    """Ids of one table must be comparable with those of the others."""
    kinds = {f"{ITEMS} item_id": items.schema["item_id"], f"{EVENTS} item_id": events.schema["item_id"]}
    users = {f"{EVENTS} user_id": events.schema["user_id"]}
    if impressions is not None:
        users[f"{IMPRESSIONS} user_id"] = impressions.schema["user_id"]
        for name in ("history", "candidates"):
            kind = impressions.schema[name]
            if isinstance(kind, pl.List) and impressions[name].list.len().sum():
                kinds[f"{IMPRESSIONS} {name}"] = kind.inner  # type: ignore[assignment]
    for group in (kinds, users):
        if len({str(kind) for kind in group.values()}) > 1:
            found = ", ".join(f"{where}: {kind}" for where, kind in group.items())
            raise DataError(f"{path}: expected ids of one type in all tables, found {found}")


def _wrong_type(path: Path, table: pl.DataFrame, name: str, expected: str) -> DataError:
    return DataError(f"{path}: column {name}: expected {expected}, found {table.schema[name]}")


def _sentence(path: Path, violations: Violations) -> str:
    where = f"{path / violations.file}: column {violations.column}, row {violations.rows[0]}"
    more = f"; {violations.count} such rows" if violations.count > 1 else ""
    return f"{where}: {violations.problem}{more} (graft-client check lists all)"
