"""The engine's SQLite file: a sign that a run is under way, a copy of it, and making it small again.

A sign takes a millisecond, Flower's command seconds. The tables are the engine's own and may change with it: so only a
clear sign counts, and whoever finds none asks the engine.
"""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
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


SECONDS = 1.0
"""to wait for a database that is busy"""
_TASK = """
    SELECT task.active_until FROM run JOIN task ON task.task_id = run.primary_task_id
    WHERE run.run_id = ? AND task.pending_at IS NOT NULL AND task.finished_at IS NULL
"""
"""Of the run's own task, by which Flower 1.42 tells the run's status (``get_run_status`` in sql_linkstate.py)."""


def is_under_way(database: Path, run: int, *, now: datetime) -> bool:
    """Whether the run surely waits for a process, or has one that has said in time that it lives."""
    signed = int.from_bytes(run.to_bytes(8, "big"), "big", signed=True)
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=SECONDS)) as opened:
            tasks = opened.execute(_TASK, (signed,)).fetchall()
        return len(tasks) == 1 and _in_time(tasks[0][0], now)
    except (sqlite3.Error, ValueError, TypeError):
        return False


def _in_time(until: str | None, now: datetime) -> bool:
    """Times are kept in UTC and say so nowhere; none is kept while a task waits."""
    return until is None or datetime.fromisoformat(until).replace(tzinfo=UTC) > now
