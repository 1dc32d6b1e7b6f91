"""Writing a platform folder whole or not at all."""

import os
import shutil
import uuid
from pathlib import Path

import polars as pl

from client.data.contract import EVENTS, IMPRESSIONS, ITEMS, VECTORS
from shared.errors import DataError

_OURS = {ITEMS, EVENTS, IMPRESSIONS, VECTORS, "users.parquet"}


def require_free(path: Path, *, force: bool) -> None:
    """Raise DataError where ``path`` exists, unless ``force`` and it holds a platform folder and nothing else."""
    if not (path.exists() or path.is_symlink()):
        return
    if not force:
        raise DataError(f"{path}: already exists (use --force to replace a platform folder)")
    foreign = sorted(child.name for child in path.iterdir() if child.name not in _OURS) if path.is_dir() else []
    if foreign or path.is_symlink() or not path.is_dir():
        found = foreign[0] if foreign else "something else"
        raise DataError(f"{path}: --force replaces only a platform folder, found {found}")


def write_folder(
    path: Path, *, items: pl.DataFrame, events: pl.DataFrame, impressions: pl.DataFrame | None, force: bool
) -> None:
    """Write the tables into a hidden folder beside ``path`` and rename it at the end.

    Raises DataError where ``path`` is taken (see ``require_free``) or the disk refuses; nothing is left then.
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
