"""The data contract: what a platform folder holds, reading it into memory, writing it.

A platform folder:

- ``items.parquet``: item_id (integer or string, unique), text, optional category, published (a time, or seconds since
  1970 or a smaller unit; null where nobody knows) and further columns, optionally ``vector`` (a list column of one
  length); or a file ``item_vectors.npy`` [items, D] in row order.
- ``events.parquet``: user_id, item_id, timestamp (a time, seconds since 1970 or a smaller unit, or each user's
  positions 0, 1, 2, ... where order is all that is known), optional rating, optional time_known (false where a
  timestamp only sorts).
- ``impressions.parquet`` (optional): user_id, timestamp, history, candidates, labels.
"""

import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from client.data.published import PUBLISHED, published
from client.data.tables import (
    Where,
    counted,
    id_lists,
    ids,
    ratings,
    read_parquet,
    read_vectors,
    require_columns,
    texts,
    times_known,
    timestamps,
    vector_column,
    wrong_type,
)
from client.data.timed_tables import TableLabels
from client.data.violations import FOLDER, TableNames, Violations, find_violations
from shared.errors import DataError

ITEMS = "items.parquet"
EVENTS = "events.parquet"
IMPRESSIONS = "impressions.parquet"
VECTORS = "item_vectors.npy"
_OURS = {ITEMS, EVENTS, IMPRESSIONS, VECTORS, "users.parquet"}


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class PlatformFolder:
    """A platform folder as read, nothing filtered yet."""

    path: Path
    items: pl.DataFrame
    """item_id, text (never null), published in seconds where the folder says it, and whatever further columns it has;
    row order as in the file."""
    events: pl.DataFrame
    """user_id, item_id, timestamp, rating (1.0 where the folder has none), and whatever further columns."""
    impressions: pl.DataFrame | None
    """user_id, timestamp, history, candidates, labels; None where the folder has no such file."""
    vectors: NDArray[np.float32] | None
    """[items, D] in the order of ``items``, or None."""
    tables: TableNames = FOLDER
    """What errors call its tables."""
    grows: bool = False
    """True where the next reading may find further users: who is drawn for what then depends on their id alone."""
    notes: tuple[str, ...] = ()
    """What would surprise whoever made its events, one sentence each."""
    timed: bool = False
    """Whether timestamps are seconds; else they only sort."""

    def __repr__(self) -> str:
        sizes = counted(self.items, self.events, self.impressions)
        return "\n".join([f"{type(self).__name__} {self.path}: {sizes}", *(f"- {note}" for note in self.notes)])


def labels(path: Path, tables: TableNames = FOLDER) -> TableLabels:
    """What errors call the tables of a platform.

    Args:
        path: a platform folder, or a file that describes a database.
        tables: how the platform's tables are called there.

    Returns:
        a label for the events and one for the impressions.
    """
    return TableLabels(events=named(path, tables.events), impressions=named(path, tables.impressions))


def refuse_broken_rows(folder: PlatformFolder, vectors_in: str) -> None:
    """Refuse the first row that would make numbers wrong.

    Args:
        folder: tables that were read.
        vectors_in: the file or table that the vectors came from, for the error.

    Raises:
        DataError: if there is such a row; it names the table, the column and the row.
    """
    for violations in find_violations(
        items=folder.items,
        events=folder.events,
        impressions=folder.impressions,
        vectors=folder.vectors,
        vectors_file=vectors_in,
        limit=1,
        tables=folder.tables,
    ):
        if violations.fatal:
            raise DataError(_sentence(folder.path, violations))


def require_folder(path: Path) -> None:
    """Raise DataError unless there is a folder."""
    if not path.is_dir():
        raise DataError(f"{path}: expected a platform folder, found {'a file' if path.exists() else 'nothing'}")


def vectors_file(path: Path) -> str:
    """The file in which a folder's item vectors are, if it has any."""
    return VECTORS if (path / VECTORS).exists() else ITEMS


def read_items(path: Path) -> pl.DataFrame:
    """The table items.parquet, text filled with empty strings; a vector column is still in it."""
    return as_items(path, read_parquet(path))


def as_items(path: Where, items: pl.DataFrame) -> pl.DataFrame:
    """Bring a table of items, wherever it was read, to the data contract, as ``read_items`` does.

    Args:
        path: what errors call the table.
        items: with item_id and text; category and published may be missing.

    Returns:
        the table with its columns in the contract's types; an empty text where there is none.

    Raises:
        DataError: if a column is missing or of the wrong type.
    """
    require_columns(path, items, ("item_id", "text"))
    written = [texts(path, items, name) for name in ("text", "category") if name in items.columns]
    written += [published(path, items)] if PUBLISHED in items.columns else []
    return items.with_columns(ids(path, items, "item_id"), *written).with_columns(pl.col("text").fill_null(""))


def read_events(path: Path) -> pl.DataFrame:
    """The table events.parquet, with a rating of 1 where it has none; its timestamps are not looked at yet."""
    return as_events(path, read_parquet(path))


def as_events(path: Where, events: pl.DataFrame) -> pl.DataFrame:
    """Bring a table of events, wherever it was read, to the data contract, as ``read_events`` does.

    Args:
        path: what errors call the table.
        events: with user_id, item_id and timestamp; rating may be missing.

    Returns:
        the table with its columns in the contract's types.

    Raises:
        DataError: if a column is missing or of the wrong type.
    """
    require_columns(path, events, ("user_id", "item_id", "timestamp"))
    known = [ids(path, events, name) for name in ("user_id", "item_id")]
    return events.with_columns(*known, timestamps(path, events), ratings(path, events), times_known(path, events))


def read_impressions(path: Path) -> pl.DataFrame:
    """The table impressions.parquet; its timestamps are not looked at yet."""
    return as_impressions(path, read_parquet(path))


def as_impressions(path: Where, impressions: pl.DataFrame) -> pl.DataFrame:
    """Bring a table of impressions to the data contract, as ``read_impressions`` does.

    Args:
        path: what errors call the table.
        impressions: with user_id, timestamp, and lists of history, candidates and labels.

    Returns:
        the table with its columns in the contract's types.

    Raises:
        DataError: if a column is missing or of the wrong type.
    """
    require_columns(path, impressions, ("user_id", "timestamp", "history", "candidates", "labels"))
    lists = [id_lists(path, impressions, name) for name in ("history", "candidates")]
    labels = impressions.schema["labels"]
    inner = labels.inner if isinstance(labels, pl.List) else None
    if inner is None or not (inner.is_numeric() or inner == pl.Boolean):
        raise wrong_type(path, impressions, "labels", "lists of 0 and 1")
    return impressions.with_columns(
        ids(path, impressions, "user_id"),
        timestamps(path, impressions),
        *lists,
        impressions["labels"].cast(pl.List(pl.Float32)),
    )


def read_item_vectors(path: Path, items: pl.DataFrame) -> tuple[pl.DataFrame, NDArray[np.float32] | None]:
    """Read the items' vectors from wherever they are: a list column, or a file in the folder.

    Args:
        path: the platform folder.
        items: its table of items.

    Returns:
        the items without their list column, and the vectors [items, D]; None where there are none.

    Raises:
        DataError: if vectors are given twice, or are not one vector of one length for each item.
    """
    named = [name for name in ("vector", "vectors") if name in items.columns]
    file = path / VECTORS
    if len(named) + file.exists() > 1:
        raise DataError(f"{path}: item vectors are given twice, as {' and '.join([*named, VECTORS][-2:])}")
    if file.exists():
        return items, read_vectors(file, items.height)
    return (items.drop(named), vector_column(path / ITEMS, items[named[0]])) if named else (items, None)


def named(path: Path, table: str) -> str:
    """A table of a folder, or of what else lies at this path, in messages.

    Args:
        path: a platform folder, or a file.
        table: name of the table.

    Returns:
        a path in the folder, or the file and the table's name.
    """
    return str(path / table) if path.is_dir() else f"{path}: {table}"


def _sentence(path: Path, violations: Violations) -> str:
    where = f"{named(path, violations.file)}: column {violations.column}, row {violations.rows[0]}"
    more = f"; {violations.count} such rows" if violations.count > 1 else ""
    return f"{where}: {violations.problem}{more} (graft-client check lists all)"


def require_free(path: Path, *, force: bool) -> None:
    """Require that a path is free, or that what lies there may be replaced.

    Args:
        path: where a platform folder is to be written.
        force: whether a platform folder that lies there may be replaced.

    Raises:
        DataError: if ``path`` exists, unless ``force`` and it holds a platform folder and nothing else.
    """
    if not (path.exists() or path.is_symlink()):
        return
    if not force:
        raise DataError(f"{path}: already exists (use --force to replace a platform folder)")
    foreign = sorted(child.name for child in path.iterdir() if child.name not in _OURS) if path.is_dir() else []
    if foreign or path.is_symlink() or not path.is_dir():
        obstacle = foreign[0] if foreign else "something else"
        raise DataError(f"{path}: --force replaces only a platform folder, found {obstacle}")


def write_folder(
    path: Path, *, items: pl.DataFrame, events: pl.DataFrame, impressions: pl.DataFrame | None, force: bool
) -> None:
    """Write the tables into a hidden folder beside the path and rename it at the end.

    Args:
        path: where the platform folder is to lie.
        items: table of the data contract.
        events: table of the data contract.
        impressions: table of the data contract; None where there are none.
        force: whether a platform folder that lies there may be replaced.

    Raises:
        DataError: if ``path`` is taken (see ``require_free``) or the disk refuses; nothing is left then.
    """
    require_free(path, force=force)
    partial = path.absolute().parent / f".{path.name}.partial-{uuid.uuid4().hex[:8]}"
    replaced = partial.with_name(partial.name.replace(".partial-", ".replaced-"))
    try:
        partial.mkdir(parents=True)
        items.write_parquet(partial / ITEMS)
        events.write_parquet(partial / EVENTS)
        if impressions is not None:
            impressions.write_parquet(partial / IMPRESSIONS)
        if path.exists():
            os.replace(path, replaced)
        os.replace(partial, path)
    except (OSError, pl.exceptions.PolarsError) as error:
        if replaced.exists() and not path.exists():
            os.replace(replaced, path)
        raise DataError(f"{path}: cannot be written ({error})") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)
