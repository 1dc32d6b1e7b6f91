"""Reading one Parquet or NumPy file of a platform folder, so that a broken one ends in one sentence."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from shared.errors import DataError

_STDERR = 2
_redirecting = threading.Lock()


@contextmanager
def _native_stderr_silenced() -> Iterator[None]:
    """Hide what polars' native code prints when it panics on a damaged file."""
    with _redirecting:
        try:
            kept = os.dup(_STDERR)
        except OSError:  # the process has no stderr: nothing to hide
            yield
            return
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, _STDERR)
        try:
            yield
        finally:
            os.dup2(kept, _STDERR)
            os.close(sink)
            os.close(kept)


def read_parquet(path: Path) -> pl.DataFrame:
    """The whole table; raises DataError where the file is missing or cannot be read as Parquet."""
    if not path.is_file():
        raise DataError(f"{path}: expected a Parquet file, found {'a folder' if path.is_dir() else 'nothing'}")
    try:
        with _native_stderr_silenced():
            return pl.read_parquet(path, glob=False, hive_partitioning=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(f"{path}: cannot be read as Parquet ({first_line(error)})") from error


def read_vectors(path: Path, rows: int) -> NDArray[np.float32]:
    """[rows, D] float32 from a ``.npy`` file; raises DataError where it is not exactly that."""
    try:
        vectors = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError, SyntaxError, MemoryError) as error:
        raise DataError(f"{path}: cannot be read as a NumPy array ({first_line(error)})") from error
    if not isinstance(vectors, np.ndarray) or vectors.dtype.kind not in "fiu":
        raise DataError(f"{path}: expected an array of real numbers, found {describe_array(vectors)}")
    if vectors.ndim != 2 or vectors.shape[0] != rows or vectors.shape[1] == 0:
        found = describe_array(vectors)
        raise DataError(f"{path}: expected one vector for each of the {rows} items, found {found}")
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
