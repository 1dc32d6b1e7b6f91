"""The engine's SQLite file: a copy of it while the engine writes, and making it small again while nobody does."""

import sqlite3
from contextlib import closing
from pathlib import Path

from shared.errors import ConfigError

WASTE = 0.5
"""share of free pages from which on it is written anew: the engine deletes what it has delivered, and never shrinks"""


def copy_database(source: Path, target: Path) -> None:
    """A whole copy as of one moment; raises ConfigError where there is none to be had."""
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)
    except sqlite3.Error as error:
        raise ConfigError(f"{source}: the engine's database cannot be copied: {error}") from error


def compact(path: Path) -> bool:
    """Write it anew where more than half of it is free; whether it was. Only while no engine has it open.

    Raises ConfigError for a damaged file.
    """
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            pages = int(database.execute("PRAGMA page_count").fetchone()[0])
            free = int(database.execute("PRAGMA freelist_count").fetchone()[0])
            if free <= WASTE * pages:
                return False
            database.execute("VACUUM")
            return True
    except sqlite3.Error as error:
        raise ConfigError(f"{path}: the engine's database cannot be opened: {error}") from error
